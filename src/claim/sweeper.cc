#include "simgpu/claim/sweeper.h"

#include <algorithm>
#include <utility>

#include "claim/occurrences.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;

/// The kubelet unprepares what it still knows of within a minute; a claim that is gone for longer is forgotten.
constexpr auto kGoneForGood = 3min;
constexpr auto kRequestTimeout = 10s;

/// Whether the claim that exists still has a device that was prepared for it.
bool isAllocated(const Record& record, const kube::ResourceClaim& claim) {
  if (claim.metadata.uid != record.prepared.claim.uid || !claim.allocation) {
    return false;
  }
  return std::ranges::any_of(record.prepared.devices, [&](const PreparedDevice& device) {
    return std::ranges::any_of(claim.allocation->results, [&](const kube::AllocationResult& result) {
      return result.pool == device.pool && result.device == device.device && result.shareId == device.shareId;
    });
  });
}

}  // namespace

Sweeper::Sweeper(Store& store, kube::Client& api, base::Clock& clock, base::Random& random, std::string node,
                 StillThere stillThere, kube::EventSink& events, Instruments& instruments, base::Logger log)
    : store_(store),
      api_(api),
      clock_(clock),
      random_(random),
      node_(std::move(node)),
      stillThere_(std::move(stillThere)),
      events_(events),
      instruments_(instruments),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Sweeper::~Sweeper() = default;

void Sweeper::suspect(const ClaimRef& claim) {
  std::lock_guard guard(mutex_);
  if (suspects_.contains(claim.uid)) {
    return;
  }
  suspects_[claim.uid] = {.claim = claim, .nextLook = clock_.now()};
  changed_.notify_all();
}

void Sweeper::run(const std::stop_token& stop) {
  bool allSuspected = suspectAll();
  // When a killed predecessor's files are surely abandoned, and another driver that was replaced is surely gone.
  auto cleanUp = clock_.now() + kGoneForGood;
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    auto due = std::ranges::min_element(suspects_, {}, [](const auto& entry) { return entry.second.nextLook; });
    auto wake = due == suspects_.end() ? cleanUp : std::min(cleanUp, due->second.nextLook);
    std::size_t known = suspects_.size();
    clock_.waitUntil(lock, changed_, wake, stop, [&] { return suspects_.size() != known; });
    auto now = clock_.now();
    due = std::ranges::find_if(suspects_, [&](const auto& entry) { return entry.second.nextLook <= now; });
    if (due != suspects_.end() && !stop.stop_requested()) {
      Suspect suspect = std::move(due->second);
      suspects_.erase(due);
      lock.unlock();
      look(std::move(suspect), stop);
    } else if (now >= cleanUp) {
      lock.unlock();
      allSuspected = allSuspected || suspectAll();
      auto cleaned = store_.cleanUp();
      if (!cleaned) {
        log_.error(cleaned.error(), "Cannot remove abandoned files");
      }
      cleanUp = allSuspected && cleaned.value_or(false) ? base::Clock::TimePoint::max() : now + kGoneForGood;
    }
  }
}

bool Sweeper::suspectAll() {
  auto records = store_.records();
  if (!records) {
    log_.error(records.error(), "Cannot look for claims that are gone");
    return false;
  }
  for (const Record& record : *records) {
    if (!record.prepared.claim.name.empty()) {  // only our own records tell which claim they belong to
      suspect(record.prepared.claim);
    }
  }
  return true;
}

void Sweeper::look(Suspect suspect, const std::stop_token& stop) {
  const ClaimRef& ref = suspect.claim;
  if (ref.name.empty()) {
    return;  // prepared by the reference driver: its specs do not name the claim, so only the kubelet can release it
  }
  auto record = store_.find(ref.uid);
  if (record && !*record) {
    return;  // unprepared meanwhile
  }
  auto claim = api_.startGetClaim(ref.space, ref.name, clock_.now() + kRequestTimeout).get([&stop] {
    return stop.stop_requested();
  });
  auto now = clock_.now();
  bool gone = claim ? record && *record && !isAllocated(**record, *claim) : claim.error().code() == Code::notFound;
  if (!claim && !gone) {
    log_.v(2).info("Cannot tell whether a prepared claim still exists",
                   {{"uid", ref.uid}, {"reason", claim.error().message()}});
    if (!suspect.backoff) {
      suspect.backoff.emplace(30s, 10min, random_);
    }
    suspect.nextLook = now + suspect.backoff->next();
    keep(std::move(suspect));
    return;
  }
  if (!gone) {
    if (record && *record) {
      stillThere_(*claim);
    }
    return;
  }
  if (suspect.goneSince && now - *suspect.goneSince >= kGoneForGood) {
    release(suspect);
    return;
  }
  if (!suspect.goneSince) {
    suspect.goneSince = now;
  }
  suspect.nextLook = *suspect.goneSince + kGoneForGood;
  keep(std::move(suspect));
}

void Sweeper::release(const Suspect& suspect) {
  const ClaimRef& ref = suspect.claim;
  auto removed = store_.remove(ref.uid);
  if (!removed) {
    log_.error(removed.error(), "Cannot release a claim that is gone", {{"uid", ref.uid}});
    Suspect again = suspect;
    again.nextLook = clock_.now() + kGoneForGood;
    keep(std::move(again));
    return;
  }
  if (!*removed) {
    return;  // the kubelet was faster
  }
  instruments_.abandonedClaims.add();
  log_.warning("Released a claim that nobody has any more, and that was never unprepared",
               {{"uid", ref.uid}, {"namespace", ref.space}, {"name", ref.name}});
  events_.record(releasedAbandoned(ref, node_));
}

void Sweeper::keep(Suspect suspect) {
  std::lock_guard guard(mutex_);
  suspects_.insert_or_assign(suspect.claim.uid, std::move(suspect));
}

}  // namespace simgpu::claim
