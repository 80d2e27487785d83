#include "simgpu/kube/watch_pace.h"

#include <gtest/gtest.h>

#include "fakes/fixed_random.h"

namespace simgpu::kube {
namespace {

using namespace std::chrono_literals;

class WatchPaceTest : public testing::Test {
 protected:
  /// The pause after a watch that lasted so long.
  base::Clock::Duration pauseAfter(base::Clock::Duration lasted, const Status& ended) {
    pace.started(now);
    now += lasted;
    return pace.pauseAfter(ended, now);
  }

  fakes::FixedRandom random;
  WatchPace pace{random};
  base::Clock::TimePoint now{1h};
};

TEST_F(WatchPaceTest, WatchesThatEndAtOnceAreFollowedByGrowingPauses) {
  auto first = pauseAfter(0s, Status::unavailable("reset"));
  EXPECT_GT(first, 0s);
  EXPECT_GT(pauseAfter(1s, Status::unavailable("reset")), first);
  for (int i = 0; i < 20; ++i) {
    EXPECT_LE(pauseAfter(1s, Status::unavailable("reset")), 30s);
  }
  EXPECT_GT(pauseAfter(1s, Status::unavailable("reset")), 5s);
}

TEST_F(WatchPaceTest, AfterACleanEndNothingStaysUnnoticedForLong) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_LE(pauseAfter(1s, Status()), 5s);
  }
}

TEST_F(WatchPaceTest, AWatchThatLastedIsFollowedByTheNextAtOnce) {
  for (int i = 0; i < 5; ++i) {
    pauseAfter(0s, Status::unavailable("reset"));
  }
  EXPECT_EQ(pauseAfter(10s, Status::unavailable("reset")), 0s);
  EXPECT_LE(pauseAfter(0s, Status::unavailable("reset")), 100ms) << "and all is forgiven";
}

}  // namespace
}  // namespace simgpu::kube
