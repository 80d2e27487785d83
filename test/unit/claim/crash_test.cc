// Every short life of a driver, ended at every single file operation.
//
// A life is a sequence of prepares, unprepares and restarts. Its last step is played again and again, and dies before
// its first operation, its second, and so on. Then the next process must find what CrashNode checks, and go on.

#include <functional>

#include "unit/claim/crash_node.h"

namespace simgpu::claim {
namespace {

using Kind = Step::Kind;

const std::vector<Step> kSteps = {{Kind::prepare, 0}, {Kind::prepareAnew, 0}, {Kind::unprepare, 0},
                                  {Kind::prepare, 1}, {Kind::unprepare, 1},   {Kind::restart, 0}};

const std::vector<Crash> kCrashes = {
    {.name = "TheProcessDies"},
    {.name = "TheProcessDiesWhileItWrites", .torn = true},
    {.name = "PowerCutThatLosesWhatWasNotSynced", .powerCut = true},
    {.name = "PowerCutThatSavesSpecsAlone", .torn = true, .powerCut = true, .written = {CrashNode::kRoot}},
    {.name = "RebootThatFindsEverything",
     .torn = true,
     .powerCut = true,
     .written = {CrashNode::kRoot, CrashNode::kMetadata},
     .bootId = "boot-2"},
};

using Life = std::vector<Step>;

std::string textOf(const Life& life) {
  std::string text;
  for (const Step& step : life) {
    text += step.text() + ", ";
  }
  return text;
}

class CrashFixture : public testing::Test {
 protected:
  /// Calls `visit` with each sequence of up to `length` steps, as what went before and the last step. What went before
  /// has no step that changes nothing; the last one may be such.
  void forEachLife(std::size_t length, const std::function<void(const Life& before, const Step& last)>& visit) {
    std::vector<Life> lives = {{}};
    for (std::size_t steps = 1; steps <= length; ++steps) {
      std::vector<Life> longer;
      for (const Life& life : lives) {
        CrashNode node(world, true);
        playAll(node, life);
        bool fresh = life.empty() || life.back().kind == Kind::restart;
        for (const Step& step : kSteps) {
          visit(life, step);
          if (HasFatalFailure() || HasNonfatalFailure()) {
            return;  // the first is enough
          }
          if (node.changes(step) && !(fresh && step.kind == Kind::restart)) {
            longer.push_back(life);
            longer.back().push_back(step);
          }
        }
      }
      lives = std::move(longer);
    }
  }

  static void playAll(CrashNode& node, const Life& life) {
    for (const Step& step : life) {
      node.play(step);
    }
  }

  /// The last step, ended at each of its operations, and a look at what is left. `between` is done before the step.
  void endEverywhere(
      const Life& before, const Step& last, const Crash& crash,
      const std::function<void(CrashNode&)>& between = [](CrashNode&) {}) {
    bool over = false;
    for (std::size_t operations = 0; !over && !HasFailure(); ++operations) {
      ASSERT_LT(operations, 100u);
      CrashNode node(world, !crash.torn);
      playAll(node, before);
      between(node);
      over = node.playAndCrash(last, crash, operations);
      SCOPED_TRACE(fmt::format("{}{}, which ends before operation {}: {}", textOf(before), last.text(), operations,
                               node.diedBefore()));
      node.checkWhatIsLeft(last, crash, static_cast<Next>(ends % 3));
      ++ends;
    }
  }

  CrashWorld world;
  std::size_t ends = 0;
};

class CrashTest : public CrashFixture, public testing::WithParamInterface<Crash> {};

TEST_P(CrashTest, WhereverALifeEndsTheNextProcessFindsWhatWasAnsweredAndNothingElse) {
  forEachLife(3, [this](const Life& before, const Step& last) { endEverywhere(before, last, GetParam()); });
  EXPECT_GT(ends, 400u);
}

using SecondCrashTest = CrashTest;

TEST_P(SecondCrashTest, ANextProcessThatDiesAtItsStartMakesItNoWorse) {
  const Step start{Kind::restart};
  forEachLife(2, [&](const Life& before, const Step& last) {
    bool started = false;
    for (std::size_t second = 0; !started && !HasFailure(); ++second) {
      started = true;
      bool over = false;
      for (std::size_t first = 0; !over && !HasFailure(); ++first) {
        CrashNode node(world, !GetParam().torn);
        playAll(node, before);
        over = node.playAndCrash(last, {}, first);
        std::string firstEnd = node.diedBefore();
        started = node.playAndCrash(start, GetParam(), second) && started;
        SCOPED_TRACE(fmt::format("{}{}, which ends before operation {}: {}; the next start before operation {}: {}",
                                 textOf(before), last.text(), first, firstEnd, second, node.diedBefore()));
        node.checkWhatIsLeft(last, GetParam(), static_cast<Next>(ends % 3));
        ++ends;
      }
    }
  });
  EXPECT_GT(ends, 400u);
}

using RollingCrashTest = CrashFixture;

TEST_F(RollingCrashTest, TheOtherProcessOfARollingUpdateKnowsWhatTheOneThatDiedHadAnswered) {
  const Crash death{};
  forEachLife(3, [&](const Life& before, const Step& last) {
    endEverywhere(before, last, death, [](CrashNode& node) { node.startSecond(); });
  });
  EXPECT_GT(ends, 400u);
}

std::string nameOf(const testing::TestParamInfo<Crash>& instance) {
  return instance.param.name;
}

INSTANTIATE_TEST_SUITE_P(Ends, CrashTest, testing::ValuesIn(kCrashes), nameOf);
INSTANTIATE_TEST_SUITE_P(Ends, SecondCrashTest, testing::Values(kCrashes[0], kCrashes[4]), nameOf);

}  // namespace
}  // namespace simgpu::claim
