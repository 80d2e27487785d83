#include "simgpu/base/phase_timer.h"

#include <gmock/gmock.h>

#include "fakes/fake_clock.h"
#include "fakes/memory_log.h"

namespace simgpu::base {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PhaseTimerTest : public testing::Test {
 protected:
  Logger logger(int verbosity) { return Logger(sink, clock, {.verbosity = verbosity}); }

  fakes::FakeClock clock;
  fakes::MemoryLog sink;
};

TEST_F(PhaseTimerTest, NothingIsWrittenBelowItsVerbosity) {
  PhaseTimer timer(clock, logger(5).v(6));
  timer.ended("read");
  timer.write("Prepared a claim", "u-1");
  EXPECT_THAT(sink.lines(), IsEmpty());
}

TEST_F(PhaseTimerTest, EachPhaseIsAFieldInMillisecondsFollowedByTheirSum) {
  PhaseTimer timer(clock, logger(6).v(6));
  clock.advance(2ms);
  timer.ended("read");
  clock.advance(250us);
  timer.ended("commit");
  clock.advance(1h);

  timer.write("Prepared a claim", "u-1");

  EXPECT_THAT(sink.lines(), ElementsAre(HasSubstr(R"("Prepared a claim" read=2 commit=0.25 total=2.25 uid="u-1")")));
  EXPECT_THAT(sink.lines().front(), HasSubstr("phase_timer_test.cc:"));
}

}  // namespace
}  // namespace simgpu::base
