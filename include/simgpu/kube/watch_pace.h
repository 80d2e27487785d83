#pragma once

#include "simgpu/base/backoff.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/random.h"
#include "simgpu/base/status.h"

namespace simgpu::kube {

/// How long to stay away after a watch has ended. The server ends each after some minutes, and the next may follow at
/// once. One that ends sooner must not make us busy: then pauses grow, but nothing stays unnoticed for long because of
/// watches that the server ends cleanly.
class WatchPace {
 public:
  explicit WatchPace(base::Random& random);

  void started(base::Clock::TimePoint now) { startedAt_ = now; }

  /// `ended` is what ended the watch.
  base::Clock::Duration pauseAfter(const Status& ended, base::Clock::TimePoint now);

 private:
  base::Clock::TimePoint startedAt_{};
  base::Backoff backoff_;
};

}  // namespace simgpu::kube
