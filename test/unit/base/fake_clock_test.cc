#include "fakes/fake_clock.h"

#include <future>

#include <gtest/gtest.h>

namespace simgpu::fakes {
namespace {

using namespace std::chrono_literals;

TEST(FakeClockTest, AWaiterWakesWhenItsDeadlineIsPassedAndNotBefore) {
  FakeClock clock;
  std::mutex mutex;
  std::condition_variable_any changed;
  auto waiter = std::async(std::launch::async, [&] {
    std::unique_lock lock(mutex);
    return clock.waitUntil(lock, changed, clock.now() + 5s, {}, [] { return false; });
  });

  ASSERT_TRUE(clock.awaitWaiters(1, 5s));
  clock.advance(4s);
  EXPECT_TRUE(clock.awaitWaiters(1, 1s));
  clock.advance(1s);
  EXPECT_FALSE(waiter.get());
}

TEST(FakeClockTest, AStopRequestEndsAWaitWithoutDeadline) {
  FakeClock clock;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::stop_source stop;
  auto waiter = std::async(std::launch::async, [&] {
    std::unique_lock lock(mutex);
    return clock.waitUntil(lock, changed, base::Clock::TimePoint::max(), stop.get_token(), [] { return false; });
  });

  stop.request_stop();
  EXPECT_FALSE(waiter.get());
}

}  // namespace
}  // namespace simgpu::fakes
