#include "simgpu/base/backoff.h"

#include <gtest/gtest.h>

#include "fakes/fixed_random.h"

namespace simgpu::base {
namespace {

using std::chrono::milliseconds;

TEST(BackoffTest, PausesDoubleUpToTheMaximumAndStartAgainAfterSuccess) {
  fakes::FixedRandom random(0);
  Backoff backoff(milliseconds(100), milliseconds(350), random);

  EXPECT_EQ(backoff.next(), milliseconds(100));
  EXPECT_EQ(backoff.next(), milliseconds(200));
  EXPECT_EQ(backoff.next(), milliseconds(350));
  EXPECT_EQ(backoff.next(), milliseconds(350));
  backoff.reset();
  EXPECT_EQ(backoff.next(), milliseconds(100));
}

TEST(BackoffTest, JitterShortensAPauseByAQuarterAtMost) {
  fakes::FixedRandom random(~std::uint64_t{0});
  Backoff backoff(milliseconds(1000), milliseconds(1000), random);

  auto pause = backoff.next();
  EXPECT_GE(pause, milliseconds(750));
  EXPECT_LT(pause, milliseconds(751));
}

}  // namespace
}  // namespace simgpu::base
