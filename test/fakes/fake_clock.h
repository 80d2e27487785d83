#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "simgpu/base/clock.h"

namespace simgpu::fakes {

/// A clock that stands still until it is told to advance. Waiters whose deadline is passed by `advance` wake up.
class FakeClock final : public base::Clock {
 public:
  TimePoint now() const override;
  WallTime wallTime() const override;
  bool waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed, TimePoint deadline,
                 const std::stop_token& stop, const std::function<bool()>& ready) override;

  void advance(Duration duration);

  /// Blocks until at least `count` threads wait for a deadline that is still ahead, at or before `now() + within`: how
  /// a test knows that the code under test has come to its wait. False if that does not happen within `patience` of
  /// real time.
  bool awaitWaiters(std::size_t count = 1, Duration within = Duration::max(),
                    std::chrono::milliseconds patience = std::chrono::seconds(10));

 private:
  static constexpr TimePoint kStart{std::chrono::hours(1000)};

  struct Waiter {
    std::mutex* mutex;
    std::condition_variable_any* changed;
    TimePoint deadline;
  };

  mutable std::mutex mutex_;
  std::condition_variable waitersChanged_;
  std::atomic<Duration::rep> now_{kStart.time_since_epoch().count()};
  std::vector<Waiter*> waiters_;
};

}  // namespace simgpu::fakes
