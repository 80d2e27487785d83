#include "simgpu/claim/restorer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "claim/occurrences.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;

/// How long a container that starts again may have to be started once more.
constexpr auto kLookInterval = 5s;
constexpr auto kRequestTimeout = 10s;
constexpr auto kListTimeout = 60s;

}  // namespace

Restorer::Restorer(Store& store, Preparer& preparer, const device::Inventory& inventory, kube::Client& api,
                   base::Clock& clock, base::Random& random, kube::EventSink& events, base::Logger log)
    : store_(store),
      preparer_(preparer),
      inventory_(inventory),
      api_(api),
      clock_(clock),
      random_(random),
      events_(events),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Restorer::~Restorer() = default;

void Restorer::run(const std::stop_token& stop) {
  std::optional<base::Backoff> backoff;
  auto retry = clock_.now();
  while (!stop.stop_requested()) {
    bool lookedAt = store_.look().ok();  // a directory that cannot be read is told by the next call of the kubelet
    if (lookedAt && clock_.now() >= retry) {
      if (findEarlier(stop) && restoreLost(stop)) {
        backoff.reset();
      } else {
        if (!backoff) {
          backoff.emplace(kLookInterval, 5min, random_);
        }
        retry = clock_.now() + backoff->next();
      }
    }
    std::unique_lock lock(mutex_);
    clock_.waitUntil(lock, never_, clock_.now() + kLookInterval, stop, [] { return false; });
  }
}

bool Restorer::restoreLost(const std::stop_token& stop) {
  bool all = true;
  for (const ClaimRef& claim : store_.lost()) {
    all = restore(claim, stop) && all;
  }
  return all;
}

/// Finds out what was lost before this process started; only the API server can say. False if it has to be tried again.
bool Restorer::findEarlier(const std::stop_token& stop) {
  if (!store_.hasLostEarlier()) {
    return true;
  }
  auto isOurs = [this](const kube::AllocationResult& result) {
    return result.driver == inventory_.node().driverName && result.pool == inventory_.pool();
  };
  auto claims = api_.listClaims(
      [&](const kube::ResourceClaim& claim) {
        return claim.allocation && !claim.reservedFor.empty() && std::ranges::any_of(claim.allocation->results, isOurs);
      },
      {clock_.now() + kListTimeout, stop});
  if (!claims && claims.error().code() != Code::permissionDenied) {
    log_.v(2).info("Cannot find out which CDI specs were deleted", {{"reason", claims.error().message()}});
    return false;
  }
  std::vector<ClaimRef> lost;
  if (!claims) {
    log_.warning("CDI specs were deleted while the driver did not run, and cannot be found again without the right",
                 {{"reason", claims.error().message()}});
  } else {
    for (const kube::ResourceClaim& claim : claims->items) {
      lost.push_back({.space = claim.metadata.space, .name = claim.metadata.name, .uid = claim.metadata.uid});
    }
  }
  store_.settleEarlier(lost);
  return true;
}

/// False if it has to be tried again.
bool Restorer::restore(const ClaimRef& claim, const std::stop_token& stop) {
  auto ticket = store_.beginRestore(claim.uid);
  if (!ticket) {
    return true;
  }
  CallContext call{.deadline = clock_.now() + kRequestTimeout, .cancelled = [&stop] { return stop.stop_requested(); }};
  auto restored = preparer_.restore(claim, *std::move(ticket), call);
  if (!restored && restored.error().code() == Code::cancelled) {
    return false;  // unprepared meanwhile, which the next attempt notices; or the driver stops
  }
  if (!restored) {
    log_.error(restored.error(), "Cannot restore a CDI spec that somebody deleted; trying again",
               {{"uid", claim.uid}, {"namespace", claim.space}, {"name", claim.name}});
    return false;
  }
  if (!*restored) {
    store_.settle(claim.uid);
    return true;
  }
  log_.warning("Restored a CDI spec that somebody deleted",
               {{"uid", claim.uid}, {"namespace", claim.space}, {"name", claim.name}});
  events_.record(restoredSpec(claim, inventory_.node().nodeName));
  return true;
}

}  // namespace simgpu::claim
