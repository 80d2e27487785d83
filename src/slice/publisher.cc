#include "simgpu/slice/publisher.h"

#include <algorithm>
#include <utility>

#include "simgpu/slice/plan.h"
#include "slice/adaptation.h"
#include "slice/dropped.h"

namespace simgpu::slice {
namespace {

using namespace std::chrono_literals;

constexpr auto kLockPoll = 1s;
constexpr auto kRequestTimeout = 15s;
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 30s;
/// What the server refuses as invalid it refuses until somebody changes the server.
constexpr auto kPauseWhenInvalid = 5min;
/// However long a server asks us to stay away.
constexpr std::chrono::seconds kLongestRetryAfter = 5min;

}  // namespace

Publisher::Publisher(Options options, const device::Inventory& inventory, kube::Client& api, base::Clock& clock,
                     base::Random& random, base::Files& files, kube::EventSink& events, Instruments& instruments,
                     base::Logger log)
    : options_(std::move(options)),
      api_(api),
      clock_(clock),
      files_(files),
      events_(events),
      instruments_(instruments),
      log_(std::move(log)),
      adaptation_(std::make_unique<Adaptation>(inventory, log_)),
      desired_(adaptation_->slices()),
      pace_(desired_.size()),
      backoff_(kFirstPause, kLongestPause, random),
      watchPace_(random),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Publisher::~Publisher() {
  thread_.request_stop();
  thread_.join();
  watch_.reset();  // before the members that its wake-up uses
}

void Publisher::poke() {
  std::lock_guard guard(mutex_);
  poked_ = true;
  woken_.notify_all();
}

void Publisher::run(const std::stop_token& stop) {
  stop_ = stop;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      bool idle = phase_ == Phase::watch && watch_ != nullptr && !differs_;
      clock_.waitUntil(lock, woken_, idle ? base::Clock::TimePoint::max() : notBefore_, stop,
                       [&] { return watchHasNews_ || poked_; });
      watchHasNews_ = false;
      if (std::exchange(poked_, false) && phase_ == Phase::watch) {
        phase_ = Phase::list;
      }
    }
    if (!stop.stop_requested()) {
      advance(stop);
      if (phase_ != Phase::lock) {
        instruments_.show(desired_, actual_);
      }
    }
  }
}

void Publisher::advance(const std::stop_token& stop) {
  if (phase_ == Phase::watch && watch_ != nullptr) {
    if (Status taken = takeEvents(); !taken) {
      retryAfter(taken, "Cannot watch ResourceSlices");
    }
  }
  if (clock_.now() < notBefore_) {
    return;
  }
  switch (phase_) {
    case Phase::lock:
      phase_ = acquireLock() ? Phase::list : Phase::lock;
      break;
    case Phase::list:
      if (Status listed = relist(); !listed) {
        retryAfter(listed, "Cannot list ResourceSlices");
      } else {
        phase_ = Phase::watch;
      }
      break;
    case Phase::watch:
      if (watch_ == nullptr) {
        watch_ = api_.watchSlices(desired_.front().driver, desired_.front().nodeName, resourceVersion_, [this] {
          std::lock_guard guard(mutex_);
          watchHasNews_ = true;
          woken_.notify_all();
        });
        watchPace_.started(clock_.now());
      }
      if (differs_) {
        if (Status reconciled = reconcile(stop); !reconciled) {
          retryAfter(reconciled, "Cannot publish ResourceSlices");
        }
      }
      break;
  }
}

bool Publisher::acquireLock() {
  auto lock = files_.lock(options_.lockFile, 0644, base::Files::Wait::tryOnce);
  if (lock) {
    lock_ = *std::move(lock);
    if (waitingForLock_) {
      log_.info("Publishing the ResourceSlices of this node from now on");
    }
    backoff_.reset();
    return true;
  }
  if (lock.error().code() != Code::failedPrecondition) {
    retryAfter(lock.error(), "Cannot lock the right to publish ResourceSlices");
    return false;
  }
  if (!std::exchange(waitingForLock_, true)) {
    log_.info("Another process of this driver publishes the ResourceSlices of this node; waiting for its end",
              {{"reason", lock.error().message()}});
  }
  notBefore_ = clock_.now() + kLockPoll;
  return false;
}

void Publisher::planAnew() {
  auto owners = std::move(desired_.front().metadata.ownerReferences);
  desired_ = adaptation_->slices();
  for (kube::ResourceSlice& slice : desired_) {
    slice.metadata.ownerReferences = owners;
  }
  pace_ = RestorePace(desired_.size());
  established_.reset();
  published_ = false;
  differs_ = true;
  reportedDropped_ = false;
}

Status Publisher::relist() {
  auto other = adaptation_->learn(api_, patience());
  if (!other) {
    return other.error();
  }
  if (*other) {
    planAnew();
  }
  watch_.reset();
  auto slices = api_.listSlices(desired_.front().driver, desired_.front().nodeName, patience());
  if (!slices) {
    return slices.error();
  }
  actual_.clear();
  for (kube::ResourceSlice& slice : slices->items) {
    std::string name = slice.metadata.name;
    actual_.emplace(std::move(name), std::move(slice));
  }
  resourceVersion_ = std::move(slices->resourceVersion);
  differs_ = true;
  return {};
}

Status Publisher::takeEvents() {
  auto batch = watch_->take();
  for (const auto& event : batch.events) {
    apply(event);
  }
  if (!batch.ended) {
    return {};
  }
  watch_.reset();
  const bool expired = batch.ended->code() == Code::expired;
  instruments_.watchesEnded.with({batch.ended->ok() ? "ended" : expired ? "expired" : "failed"}).add();
  notBefore_ = std::max(notBefore_, clock_.now() + watchPace_.pauseAfter(*batch.ended, clock_.now()));
  if (batch.ended->ok()) {
    return {};
  }
  phase_ = Phase::list;
  return expired ? Status() : *batch.ended;
}

void Publisher::apply(const kube::WatchEvent<kube::ResourceSlice>& event) {
  const kube::ObjectMeta& metadata = event.object.metadata;
  if (!metadata.resourceVersion.empty()) {
    resourceVersion_ = metadata.resourceVersion;
  }
  auto known = actual_.find(metadata.name);
  switch (event.type) {
    case kube::WatchEventType::bookmark:
      return;
    case kube::WatchEventType::deleted:
      if (known != actual_.end() && known->second.metadata.uid == metadata.uid) {
        actual_.erase(known);
        differs_ = true;
      }
      return;
    case kube::WatchEventType::added:
    case kube::WatchEventType::modified:
      if (known == actual_.end()) {
        actual_.emplace(metadata.name, event.object);
        differs_ = true;
      } else if (metadata.resourceVersion != known->second.metadata.resourceVersion &&
                 !kube::isOlderVersion(metadata.resourceVersion, known->second.metadata.resourceVersion)) {
        known->second = event.object;
        differs_ = true;
      }
      return;
  }
}

Status Publisher::reconcile(const std::stop_token& stop) {
  if (desired_.front().metadata.ownerReferences.empty()) {
    if (Status owner = readOwner(); !owner) {
      return owner;
    }
  }
  Step next = difference();
  bool restoring = published_ && !next.empty();
  if (restoring) {
    if (!mayRestore()) {
      return {};
    }
    // They may be gone because their owner is: the Node may have come back with another UID.
    if (Status owner = readOwner(); !owner) {
      return owner;
    }
    next = difference();
  }
  established_ = next.generation;
  if (Status written = write(next, stop); !written) {
    if (adaptation_->giveIn(written)) {
      planAnew();
      return {};
    }
    if (written.code() == Code::invalidArgument && adaptation_->matters()) {
      phase_ = Phase::list;  // it may be of another version by now
    }
    if (written.code() == Code::conflict || written.code() == Code::alreadyExists || written.code() == Code::notFound) {
      phase_ = Phase::list;  // somebody was faster: look again
    }
    return written;
  }
  if (stop.stop_requested()) {
    return {};
  }
  if (!difference().empty()) {
    return Status::failedPrecondition("the API server stores ResourceSlices that differ from what it was sent");
  }
  differs_ = false;
  backoff_.reset();
  reportSuccess(next, restoring);
  published_ = true;
  return {};
}

void Publisher::reportSuccess(const Step& done, bool restored) {
  if (done.empty() && published_) {
    return;
  }
  if (restored) {
    instruments_.restores.add();
    pace_.restored(clock_.now(), done.updates.size() + done.creations.size() + done.deletions.size());
  }
  log_.info(restored       ? "Restored ResourceSlices that somebody else changed"
            : done.empty() ? "The ResourceSlices are as they should be"
                           : "Published ResourceSlices",
            {{"pool", desired_.front().pool.name},
             {"generation", done.generation},
             {"slices", desired_.size()},
             {"updated", done.updates.size()},
             {"created", done.creations.size()},
             {"deleted", done.deletions.size()}});
}

Step Publisher::difference() const {
  std::vector<kube::ResourceSlice> actual;
  actual.reserve(actual_.size());
  for (const auto& [name, slice] : actual_) {
    actual.push_back(slice);
  }
  return step(desired_, actual, established_);
}

bool Publisher::mayRestore() {
  auto earliest = pace_.earliest(clock_.now());
  if (earliest <= clock_.now()) {
    return true;
  }
  log_.warning("Somebody changes the ResourceSlices of this driver again and again; slowing down",
               {{"pool", desired_.front().pool.name}});
  notBefore_ = earliest;
  return false;
}

Status Publisher::readOwner() {
  const std::string nodeName = desired_.front().nodeName;
  auto node = api_.getNode(nodeName, patience());
  if (!node) {
    return node.error().with("read the Node that owns the ResourceSlices");
  }
  kube::OwnerReference owner{
      .apiVersion = "v1", .kind = "Node", .name = nodeName, .uid = node->metadata.uid, .controller = true};
  for (kube::ResourceSlice& slice : desired_) {
    slice.metadata.ownerReferences = {owner};
  }
  return {};
}

Status Publisher::write(const Step& step, const std::stop_token& stop) {
  for (const kube::ResourceSlice& slice : step.updates) {
    if (stop.stop_requested()) {
      return {};
    }
    if (Status updated = stored(slice, api_.updateSlice(slice, patience())); !updated) {
      return updated;
    }
  }
  for (const kube::ResourceSlice& slice : step.creations) {
    if (stop.stop_requested()) {
      return {};
    }
    if (Status created = stored(slice, api_.createSlice(slice, patience())); !created) {
      return created;
    }
  }
  for (const kube::ObjectMeta& slice : step.deletions) {
    if (stop.stop_requested()) {
      return {};
    }
    if (Status deleted = api_.deleteSlice(slice, patience()); !deleted) {
      return deleted;
    }
    actual_.erase(slice.name);
  }
  return {};
}

Status Publisher::stored(const kube::ResourceSlice& sent, const Result<kube::ResourceSlice>& answer) {
  if (!answer) {
    return answer.error();
  }
  actual_[answer->metadata.name] = *answer;
  if (answer->devices != sent.devices || answer->sharedCounters != sent.sharedCounters) {
    keepWhatServerKnows(sent, *answer);
  }
  return {};
}

void Publisher::keepWhatServerKnows(const kube::ResourceSlice& sent, const kube::ResourceSlice& stored) {
  std::optional<std::size_t> index = indexOf(stored);
  if (!index || *index >= desired_.size()) {
    return;
  }
  if (!std::exchange(reportedDropped_, true)) {
    log_.warning(
        "The API server dropped fields of the devices, probably because it is too old or a feature gate is off; "
        "going on without them",
        {{"slice", stored.metadata.name}, {"first", firstDifference(sent, stored)}});
    events_.record(fieldsDropped(sent, stored));
  }
  // Sending it again would change nothing. After an upgrade of the API server, a restart of this driver sends all.
  desired_[*index].devices = stored.devices;
  desired_[*index].sharedCounters = stored.sharedCounters;
}

void Publisher::retryAfter(const Status& failure, std::string_view what) {
  if (stop_.stop_requested()) {
    return;  // what was under way was given up, which is no failure
  }
  base::Clock::Duration rest =
      std::max<base::Clock::Duration>(backoff_.next(), std::min(failure.retryAfter().value_or(0s), kLongestRetryAfter));
  if (failure.code() == Code::invalidArgument) {
    rest = std::max<base::Clock::Duration>(rest, kPauseWhenInvalid);
  }
  notBefore_ = std::max(notBefore_, clock_.now() + rest);
  log_.error(failure, what, {{"retryInSeconds", std::chrono::duration<double>(notBefore_ - clock_.now()).count()}});
}

kube::Wait Publisher::patience() const {
  return {clock_.now() + kRequestTimeout, stop_};
}

}  // namespace simgpu::slice
