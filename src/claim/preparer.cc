#include "simgpu/claim/preparer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "claim/occurrences.h"
#include "simgpu/base/backoff.h"
#include "simgpu/base/phase_timer.h"
#include "simgpu/base/wait.h"
#include "simgpu/claim/allocation.h"
#include "simgpu/claim/metadata.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;

/// The kubelet gives up after 45 s; an answer that arrives later is lost, so every wait ends before.
constexpr auto kLongestCall = 40s;
constexpr auto kTimeToAnswer = 3s;
constexpr auto kReadTimeout = 10s;
/// How long an Unprepare may be on its way while a device is still held.
constexpr auto kHolderPatience = 5s;
/// At this verbosity the log says where the time of each Prepare went.
constexpr int kTimesVerbosity = 6;
/// How often a wait looks whether the caller has given up, or another process has released a device.
constexpr auto kPollInterval = 100ms;

bool isTransient(const Status& status) {
  return status.code() == Code::unavailable || status.code() == Code::deadlineExceeded;
}

Status checkReference(const ClaimRef& claim) {
  if (!isUsableUid(claim.uid)) {
    return Status::invalidArgument("the kubelet named a claim with the UID \"{}\", which is none", claim.uid);
  }
  if (claim.space.empty() || claim.name.empty()) {
    return Status::invalidArgument("the kubelet named the claim with the UID {} without its namespace or name",
                                   claim.uid);
  }
  return {};
}

}  // namespace

struct Preparer::Attempt {
  Attempt(ClaimRef wanted, std::size_t position, Store::Ticket begun)
      : claim(std::move(wanted)), index(position), ticket(std::move(begun)) {}

  ClaimRef claim;
  std::size_t index;  ///< In the caller's list.
  Store::Ticket ticket;
  std::optional<kube::PendingClaim> pending;
  base::PhaseTimer times;
};

Preparer::Preparer(const device::Inventory& inventory, Store& store, kube::Client& api, base::Clock& clock,
                   base::Random& random, Listeners listeners, kube::EventSink& events, Instruments& instruments,
                   base::Logger log)
    : inventory_(inventory),
      store_(store),
      api_(api),
      clock_(clock),
      random_(random),
      listeners_(std::move(listeners)),
      events_(events),
      instruments_(instruments),
      log_(std::move(log)) {}

std::vector<Result<PreparedClaim>> Preparer::prepare(std::span<const ClaimRef> claims, const CallContext& call) {
  auto began = clock_.now();
  auto timeToAnswer = std::min<base::Clock::Duration>(kTimeToAnswer, (call.deadline - began) / 4);
  auto deadline = std::min(call.deadline - timeToAnswer, began + kLongestCall);
  auto patience = std::min(deadline, began + kHolderPatience);

  std::vector<Result<PreparedClaim>> results(claims.size());
  auto conclude = [&](std::size_t index, Result<PreparedClaim> result) {
    instruments_.prepared(result.has_value(), clock_.now() - began);
    results[index] = std::move(result);
  };
  std::vector<Attempt> attempts;
  attempts.reserve(claims.size());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    if (Status checked = checkReference(claims[i]); !checked) {
      conclude(i, unexpected(checked));
    } else {
      attempts.emplace_back(claims[i], i, store_.begin(claims[i].uid));
      attempts.back().times = base::PhaseTimer(clock_, log_.v(kTimesVerbosity));
    }
  }

  base::Backoff backoff(200ms, 5s, random_);
  read(attempts, deadline);
  call.underWay();
  while (!attempts.empty()) {
    std::vector<Attempt> again;
    std::chrono::seconds asked{0};  // the longest pause that the server asked for
    for (Attempt& attempt : attempts) {
      auto claim = attempt.pending->get(call.cancelled);
      attempt.pending.reset();
      attempt.times.ended("read");
      if (claim || !isTransient(claim.error())) {
        conclude(attempt.index, finish(attempt, std::move(claim), call, patience));
      } else if (auto known = answerFromRecord(attempt.claim, claim.error())) {
        conclude(attempt.index, std::move(known));
      } else {
        results[attempt.index] = std::move(known);
        asked = std::max(asked, claim.error().retryAfter().value_or(0s));
        again.push_back(std::move(attempt));
      }
    }
    attempts = std::move(again);
    if (attempts.empty()) {
      break;
    }
    auto rest = std::max<base::Clock::Duration>(backoff.next(), asked);
    if (clock_.now() + rest >= deadline || !pause(rest, call)) {
      break;  // the last failure of each is its result
    }
    read(attempts, deadline);
  }
  for (const Attempt& attempt : attempts) {
    conclude(attempt.index, std::move(results[attempt.index]));
  }
  return results;
}

std::vector<Status> Preparer::unprepare(std::span<const ClaimRef> claims, const CallContext& /*call*/) {
  auto began = clock_.now();
  std::vector<Status> results;
  results.reserve(claims.size());
  for (const ClaimRef& claim : claims) {
    // What cannot be a file name was never prepared.
    auto removed = isUsableUid(claim.uid) ? store_.remove(claim.uid) : Result<bool>(false);
    instruments_.unprepared(removed.has_value(), clock_.now() - began);
    results.push_back(removed ? Status() : removed.error());
  }
  return results;
}

Result<bool> Preparer::restore(const ClaimRef& claim, Store::Ticket ticket, const CallContext& call) {
  if (Status checked = checkReference(claim); !checked) {
    return unexpected(checked);
  }
  Attempt attempt(claim, 0, std::move(ticket));
  auto found = api_.startGetClaim(claim.space, claim.name, std::min(call.deadline, clock_.now() + kReadTimeout))
                   .get(call.cancelled);
  if (!found && found.error().code() != Code::notFound) {
    return unexpected(found.error());
  }
  if (!found || found->metadata.uid != claim.uid || !found->allocation || found->reservedFor.empty()) {
    return false;
  }
  auto prepared = finish(attempt, std::move(found), call, clock_.now());
  return prepared ? Result<bool>(true) : unexpected(prepared.error());
}

void Preparer::read(std::vector<Attempt>& attempts, base::Clock::TimePoint deadline) {
  auto readDeadline = std::min(deadline, clock_.now() + kReadTimeout);
  for (Attempt& attempt : attempts) {
    attempt.pending.emplace(api_.startGetClaim(attempt.claim.space, attempt.claim.name, readDeadline));
  }
}

Result<PreparedClaim> Preparer::finish(Attempt& attempt, Result<kube::ResourceClaim> claim, const CallContext& call,
                                       base::Clock::TimePoint patience) {
  if (!claim) {
    return unexpected(claim.error());
  }
  if (Status same = checkIdentity(attempt.claim, *claim); !same) {
    return unexpected(same);
  }
  auto record = resolveAllocation(inventory_, store_.options().naming, attempt.claim, *claim->allocation,
                                  store_.options().bootId);
  if (record && store_.options().deviceMetadata) {
    record = describeDevices(*std::move(record), inventory_, store_.options().naming, *claim,
                             store_.options().metadataDirectory);
  }
  if (!record) {
    return unexpected(record.error().with("prepare failed"));
  }
  attempt.times.ended("resolve");
  auto prepared = commit(attempt, *std::move(record), call, patience);
  if (prepared) {
    listeners_.prepared(*claim);
  }
  return prepared;
}

Result<PreparedClaim> Preparer::commit(Attempt& attempt, Record record, const CallContext& call,
                                       base::Clock::TimePoint patience) {
  for (;;) {
    std::uint64_t seen = store_.removals();
    auto committed = store_.commit(attempt.ticket, record, call.cancelled);
    attempt.times.ended("commit");
    if (committed) {
      tell(attempt, *committed);
      return std::move(record.prepared);
    }
    std::optional<Store::Holder> holder = std::move(committed.error().holder);
    if (!holder) {
      return unexpected(committed.error().status);
    }
    log_.v(2).info("Waiting for a device that another claim has",
                   {{"uid", attempt.claim.uid}, {"device", holder->device}, {"holder", holder->claim.uid}});
    while (holder) {
      if (clock_.now() >= patience || call.cancelled()) {
        listeners_.blockedBy(holder->claim);
        if (!call.cancelled()) {
          events_.record(deviceInUse(attempt.claim, *holder, inventory_.node().nodeName));
        }
        return unexpected(committed.error().status);
      }
      store_.awaitRemoval(seen, std::min(patience, clock_.now() + kPollInterval));
      seen = store_.removals();
      auto now = store_.findHolder(record);
      if (!now) {
        return unexpected(now.error());
      }
      holder = *std::move(now);
    }
  }
}

void Preparer::tell(const Attempt& attempt, Store::Outcome outcome) {
  if (outcome == Store::Outcome::already) {
    log_.v(3).info("Claim is prepared already", {{"uid", attempt.claim.uid}});
    return;
  }
  attempt.times.write("Prepared a claim; times are in milliseconds", attempt.claim.uid);
  if (outcome == Store::Outcome::repaired) {
    events_.record(restoredDamagedSpec(attempt.claim, inventory_.node().nodeName));
  }
}

Result<PreparedClaim> Preparer::answerFromRecord(const ClaimRef& claim, const Status& cause) {
  auto record = store_.find(claim.uid);
  bool known =
      record && *record && ((*record)->origin == Record::Origin::ours || (*record)->origin == Record::Origin::newer);
  if (!known || (*record)->prepared.devices.empty() || (*record)->bootId != store_.options().bootId) {
    return unexpected(cause);
  }
  log_.warning("Cannot read a claim that is prepared already; answering what was prepared",
               {{"uid", claim.uid}, {"namespace", claim.space}, {"name", claim.name}, {"reason", cause.message()}});
  return std::move((*record)->prepared);
}

Status Preparer::checkIdentity(const ClaimRef& wanted, const kube::ResourceClaim& found) const {
  if (found.metadata.uid != wanted.uid) {
    return Status::notFound("claim {}/{} got replaced: expected UID {}, found {}", wanted.space, wanted.name,
                            wanted.uid, found.metadata.uid);
  }
  if (!found.allocation) {
    return Status::failedPrecondition("claim {}/{} not allocated", wanted.space, wanted.name);
  }
  return {};
}

bool Preparer::pause(base::Clock::Duration duration, const CallContext& call) {
  for (auto end = clock_.now() + duration; clock_.now() < end;) {
    if (call.cancelled()) {
      return false;
    }
    base::sleepUntil(clock_, std::min(end, clock_.now() + kPollInterval));
  }
  return true;
}

}  // namespace simgpu::claim
