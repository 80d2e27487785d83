#include "simgpu/controller/binding_controller.h"

#include <algorithm>

namespace simgpu::controller {
namespace {

using namespace std::chrono_literals;

constexpr auto kRequestTimeout = 15s;
constexpr auto kFirstPause = 500ms;
constexpr auto kLongestPause = 1min;
/// However long a server asks us to stay away.
constexpr std::chrono::seconds kLongestRetryAfter = 5min;

}  // namespace

BindingController::BindingController(BindingRules rules, kube::Client& api, base::Clock& clock, base::Random& random,
                                     base::Logger log)
    : rules_(std::move(rules)),
      manager_(rules_.driverName + "/controller"),
      api_(api),
      clock_(clock),
      random_(random),
      log_(std::move(log)),
      feed_(
          api, clock, random,
          {.startOver =
               [this] {
                 works_.clear();
                 written_.clear();
               },
           .present = [this](const kube::ResourceClaim& claim) { consider(claim); },
           .gone = [this](const kube::ObjectMeta& claim) { forget(claim); }},
          [this] {
            std::lock_guard guard(mutex_);
            hasNews_ = true;
            woken_.notify_all();
          },
          log_),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

BindingController::~BindingController() {
  thread_.request_stop();
  thread_.join();  // before the feed, whose watch wakes it
}

void BindingController::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      clock_.waitUntil(lock, woken_, due(), stop, [this] { return std::exchange(hasNews_, false); });
    }
    if (stop.stop_requested()) {
      return;
    }
    feed_.advance(stop);
    ready_ = feed_.complete();
    writeNext(stop);
  }
}

base::Clock::TimePoint BindingController::due() const {
  auto due = feed_.due();
  for (const auto& [key, work] : works_) {
    due = std::min(due, work.due);
  }
  return due;
}

void BindingController::consider(const kube::ResourceClaim& claim) {
  const kube::ObjectMeta& metadata = claim.metadata;
  Key key(metadata.space, metadata.name);
  if (auto written = written_.find(key); written != written_.end()) {
    if (written->second.uid == metadata.uid &&
        kube::isOlderVersion(metadata.resourceVersion, written->second.resourceVersion)) {
      return;  // from before our write
    }
    written_.erase(written);
  }
  BindingStep step = planBinding(rules_, claim, clock_.wallTime());
  if (step.statuses.empty()) {
    works_.erase(key);
    return;
  }
  if (step.complaint) {
    log_.warning("A claim has an annotation that means nothing",
                 {{"namespace", metadata.space}, {"name", metadata.name}, {"reason", *step.complaint}});
  }
  auto known = works_.find(key);
  if (known != works_.end() && known->second.claim.uid == metadata.uid) {
    known->second.step = std::move(step);  // goes on with the pauses that it has
    return;
  }
  works_.insert_or_assign(std::move(key),
                          Work{.claim = {.name = metadata.name, .space = metadata.space, .uid = metadata.uid},
                               .step = std::move(step),
                               .due = clock_.now(),
                               .backoff = base::Backoff(kFirstPause, kLongestPause, random_)});
}

void BindingController::forget(const kube::ObjectMeta& claim) {
  Key key(claim.space, claim.name);
  written_.erase(key);
  works_.erase(key);
}

void BindingController::writeNext(const std::stop_token& stop) {
  auto next = std::ranges::min_element(works_, {}, [](const auto& entry) { return entry.second.due; });
  if (next == works_.end() || next->second.due > clock_.now() || stop.stop_requested()) {
    return;
  }
  auto work = works_.extract(next);
  write(work.key(), std::move(work.mapped()), stop);
}

void BindingController::write(const Key& key, Work work, const std::stop_token& stop) {
  auto stored =
      api_.applyDeviceStatus(work.claim, work.step.statuses, manager_, {clock_.now() + kRequestTimeout, stop});
  if (stored) {
    explainedRights_ = false;
    written_.insert_or_assign(key, Written{.uid = work.claim.uid, .resourceVersion = stored->metadata.resourceVersion});
    log_.info("Set binding conditions", {{"namespace", key.first},
                                         {"name", key.second},
                                         {"conditions", fmt::format("{}", fmt::join(work.step.changes, ", "))}});
  } else if (!stop.stop_requested()) {
    handleFailure(key, std::move(work), stored.error());
  }
}

void BindingController::handleFailure(const Key& key, Work work, const Status& failure) {
  switch (failure.code()) {
    case Code::notFound:
      return;  // the watch is about to say so
    case Code::invalidArgument:
      // Most often because the claim was deallocated meanwhile. If not, its next change brings it back.
      log_.error(failure, "The API server refuses the binding conditions of a claim");
      return;
    case Code::permissionDenied:
      if (!std::exchange(explainedRights_, true)) {
        log_.error(failure,
                   "Cannot set binding conditions; give the controller the right. Not said again until it works");
      }
      break;
    default:
      log_.error(failure, "Cannot set binding conditions yet");
  }
  auto asked = std::min(failure.retryAfter().value_or(0s), kLongestRetryAfter);
  work.due = clock_.now() + std::max<base::Clock::Duration>(work.backoff.next(), asked);
  works_.insert_or_assign(key, std::move(work));
}

}  // namespace simgpu::controller
