#pragma once

#include <condition_variable>
#include <mutex>

#include "simgpu/base/clock.h"
#include "simgpu/base/status.h"
#include "simgpu/kube/client.h"

namespace simgpu::kube {

/// A token bucket: `burst` requests at once, then `qps` a second, in the order of asking. Safe to use from several
/// threads.
class Client::Throttle {
 public:
  Throttle(RateLimit limit, base::Clock& clock);

  /// Waits for a turn. deadlineExceeded at once if it would come after the deadline; then none is used up. cancelled if
  /// the wait is stopped.
  Status wait(const Wait& wait);

  /// Takes a turn without waiting: who comes later waits for it.
  void take();

 private:
  /// When a request may go that asks now.
  base::Clock::TimePoint turn(base::Clock::TimePoint now) const;

  base::Clock& clock_;
  bool unlimited_;
  base::Clock::Duration interval_{};
  base::Clock::Duration credit_{};  ///< How far the turns may lag behind: burst - 1 intervals.
  std::mutex mutex_;
  std::condition_variable_any never_;
  base::Clock::TimePoint next_ = base::Clock::TimePoint::min();  ///< The turn after the last one given.
};

}  // namespace simgpu::kube
