#include "simgpu/slice/pace.h"

#include <gtest/gtest.h>

#include "fakes/fake_clock.h"

namespace simgpu::slice {
namespace {

using namespace std::chrono_literals;

TEST(RestorePace, WhoeverChangesSlicesAgainAndAgainHasToWaitLonger) {
  fakes::FakeClock clock;
  RestorePace pace(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_LE(pace.earliest(clock.now()), clock.now()) << i;
    pace.restored(clock.now(), 1);
    clock.advance(1s);
  }

  EXPECT_EQ(pace.earliest(clock.now()), clock.now() + 29s);
}

TEST(RestorePace, AFightThatGoesOnStaysSlow) {
  fakes::FakeClock clock;
  RestorePace pace(8);
  for (int i = 0; i < 80; ++i) {
    pace.restored(clock.now(), 1);
  }
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(pace.earliest(clock.now()), clock.now() + 30s) << i;
    clock.advance(30s);
    pace.restored(clock.now(), 1);
  }
}

TEST(RestorePace, WithPeaceForFiveMinutesAllIsForgotten) {
  fakes::FakeClock clock;
  RestorePace pace(1);
  pace.restored(clock.now(), 20);
  EXPECT_GT(pace.earliest(clock.now()), clock.now());

  clock.advance(5min + 1s);

  EXPECT_EQ(pace.earliest(clock.now()), clock.now());
}

TEST(RestorePace, AWipeOfManySlicesIsOneRestorationInHoweverManySteps) {
  fakes::FakeClock clock;
  RestorePace pace(8);
  for (int i = 0; i < 79; ++i) {
    pace.restored(clock.now(), 1);
    EXPECT_EQ(pace.earliest(clock.now()), clock.now()) << i;
  }
}

}  // namespace
}  // namespace simgpu::slice
