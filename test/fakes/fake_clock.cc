#include "fakes/fake_clock.h"

#include <algorithm>

namespace simgpu::fakes {

base::Clock::TimePoint FakeClock::now() const {
  return TimePoint(Duration(now_.load()));
}

base::Clock::WallTime FakeClock::wallTime() const {
  using std::chrono::sys_days;
  using namespace std::chrono_literals;
  // 2026-01-01 plus what has been advanced.
  return sys_days(std::chrono::year(2026) / 1 / 1) + std::chrono::duration_cast<WallTime::duration>(now() - kStart);
}

bool FakeClock::waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed, TimePoint deadline,
                          const std::stop_token& stop, const std::function<bool()>& ready) {
  // The two mutexes are never held at once here: advance() takes the waiter's while it holds its own.
  Waiter waiter{lock.mutex(), &changed, deadline};
  lock.unlock();
  {
    std::lock_guard guard(mutex_);
    waiters_.push_back(&waiter);
    waitersChanged_.notify_all();
  }
  lock.lock();
  changed.wait(lock, stop, [&] { return ready() || now() >= deadline; });
  lock.unlock();
  {
    std::lock_guard guard(mutex_);
    std::erase(waiters_, &waiter);
  }
  lock.lock();
  return ready();
}

void FakeClock::advance(Duration duration) {
  std::lock_guard guard(mutex_);
  now_ += duration.count();
  for (Waiter* waiter : waiters_) {
    // Whoever is between looking at the time and going to sleep holds this mutex.
    std::lock_guard asleep(*waiter->mutex);
    waiter->changed->notify_all();
  }
}

bool FakeClock::awaitWaiters(std::size_t count, Duration within, std::chrono::milliseconds patience) {
  std::unique_lock guard(mutex_);
  auto enough = [&] {
    auto due = std::ranges::count_if(waiters_, [&](const Waiter* waiter) {
      bool asleep = waiter->deadline > now();  // else it is about to notice
      return asleep && (within == Duration::max() || waiter->deadline - now() <= within);
    });
    return static_cast<std::size_t>(due) >= count;
  };
  return waitersChanged_.wait_for(guard, patience, enough);
}

}  // namespace simgpu::fakes
