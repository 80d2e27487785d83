#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>

namespace simgpu::base {

/// Time as a parameter: what the monotonic and the wall clock say, and waiting. Tests use `fakes::FakeClock`.
class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  using WallTime = std::chrono::system_clock::time_point;

  virtual ~Clock() = default;

  /// Monotonic; for deadlines and intervals.
  virtual TimePoint now() const = 0;

  /// For timestamps that leave the process.
  virtual WallTime wallTime() const = 0;

  /// Waits until `ready()` is true, `deadline` passed or `stop` was requested; returns `ready()`. `lock` is held when
  /// `ready` is called and on return. Whoever makes `ready` true notifies `changed`. `TimePoint::max()` is no deadline.
  virtual bool waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed, TimePoint deadline,
                         const std::stop_token& stop, const std::function<bool()>& ready) = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  WallTime wallTime() const override { return std::chrono::system_clock::now(); }
  bool waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed, TimePoint deadline,
                 const std::stop_token& stop, const std::function<bool()>& ready) override;
};

}  // namespace simgpu::base
