#include "simgpu/controller/claim_feed.h"

#include <algorithm>
#include <utility>

namespace simgpu::controller {
namespace {

using namespace std::chrono_literals;

constexpr auto kListTimeout = 2min;
constexpr auto kFirstPause = 200ms;
constexpr auto kLongestPause = 30s;
/// However long a server asks us to stay away.
constexpr std::chrono::seconds kLongestRetryAfter = 5min;

}  // namespace

ClaimFeed::ClaimFeed(kube::Client& api, base::Clock& clock, base::Random& random, Listener listener,
                     std::function<void()> wake, base::Logger log)
    : api_(api),
      clock_(clock),
      listener_(std::move(listener)),
      wake_(std::move(wake)),
      log_(std::move(log)),
      backoff_(kFirstPause, kLongestPause, random),
      watchPace_(random) {}

base::Clock::TimePoint ClaimFeed::due() const {
  return watch_ ? base::Clock::TimePoint::max() : notBefore_;
}

void ClaimFeed::advance(const std::stop_token& stop) {
  if (watch_) {
    if (Status taken = takeEvents(); !taken) {
      retryAfter(taken, "Cannot watch ResourceClaims");
    }
  }
  if (clock_.now() < notBefore_) {
    return;
  }
  if (!listed_) {
    if (Status listed = relist(stop); !listed) {
      if (!stop.stop_requested()) {
        retryAfter(listed, "Cannot list ResourceClaims");
      }
      return;
    }
  }
  if (!watch_ && !stop.stop_requested()) {
    watch_ = api_.watchClaims(resourceVersion_, wake_);
    watchPace_.started(clock_.now());
  }
}

Status ClaimFeed::relist(const std::stop_token& stop) {
  listener_.startOver();
  auto listed = api_.listClaims(
      [this](const kube::ResourceClaim& claim) {
        listener_.present(claim);
        return false;  // none of them is kept
      },
      {clock_.now() + kListTimeout, stop});
  if (!listed) {
    return listed.error();
  }
  resourceVersion_ = std::move(listed->resourceVersion);
  listed_ = true;
  backoff_.reset();
  return {};
}

Status ClaimFeed::takeEvents() {
  auto batch = watch_->take();
  for (const auto& event : batch.events) {
    tell(event);
  }
  if (!batch.ended) {
    return {};
  }
  watch_.reset();
  notBefore_ = std::max(notBefore_, clock_.now() + watchPace_.pauseAfter(*batch.ended, clock_.now()));
  if (batch.ended->ok()) {
    return {};
  }
  listed_ = false;
  return batch.ended->code() == Code::expired ? Status() : *batch.ended;
}

void ClaimFeed::tell(const kube::WatchEvent<kube::ResourceClaim>& event) {
  using Type = kube::WatchEventType;
  const kube::ObjectMeta& metadata = event.object.metadata;
  if (!metadata.resourceVersion.empty()) {
    resourceVersion_ = metadata.resourceVersion;
  }
  if (event.type == Type::added || event.type == Type::modified) {
    listener_.present(event.object);
  } else if (event.type == Type::deleted) {
    listener_.gone(metadata);
  }
}

void ClaimFeed::retryAfter(const Status& failure, std::string_view what) {
  auto asked = std::min(failure.retryAfter().value_or(0s), kLongestRetryAfter);
  notBefore_ = std::max(notBefore_, clock_.now() + std::max<base::Clock::Duration>(backoff_.next(), asked));
  log_.error(failure, what, {{"retryInSeconds", std::chrono::duration<double>(notBefore_ - clock_.now()).count()}});
}

}  // namespace simgpu::controller
