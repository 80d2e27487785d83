#include "kube/throttle.h"

#include <algorithm>
#include <chrono>

namespace simgpu::kube {

Client::Throttle::Throttle(RateLimit limit, base::Clock& clock) : clock_(clock), unlimited_(!(limit.qps > 0)) {
  if (unlimited_) {
    return;
  }
  // A day between requests is as good as any longer pause, and does not overflow.
  auto seconds = std::min(1.0 / limit.qps, 86400.0);
  interval_ = std::chrono::duration_cast<base::Clock::Duration>(std::chrono::duration<double>(seconds));
  credit_ = interval_ * std::clamp(limit.burst - 1, 0, 10000);
}

base::Clock::TimePoint Client::Throttle::turn(base::Clock::TimePoint now) const {
  return std::max(next_, now - credit_);
}

Status Client::Throttle::wait(const Wait& wait) {
  if (unlimited_) {
    return {};
  }
  std::unique_lock lock(mutex_);
  auto at = turn(clock_.now());
  if (at > wait.deadline) {
    return Status::deadlineExceeded("the limit of requests to the API server leaves no turn before the deadline");
  }
  next_ = at + interval_;
  clock_.waitUntil(lock, never_, at, wait.stop, [&] { return clock_.now() >= at; });
  return wait.stop.stop_requested() ? Status::cancelled("stopped while waiting for a turn") : Status();
}

void Client::Throttle::take() {
  if (unlimited_) {
    return;
  }
  std::lock_guard lock(mutex_);
  next_ = turn(clock_.now()) + interval_;
}

}  // namespace simgpu::kube
