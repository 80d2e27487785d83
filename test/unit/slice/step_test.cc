#include "simgpu/slice/step.h"

#include <limits>

#include <gmock/gmock.h>

#include "unit/slice/slice_builder.h"

namespace simgpu::slice {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// A slice of somebody else in our pool.
kube::ResourceSlice foreign(std::int64_t generation) {
  auto slice = stored(desired(1), generation).front();
  slice.metadata.name = "somebody-elses";
  slice.metadata.uid = "foreign";
  return slice;
}

TEST(Step, AHigherGenerationOfSomebodyElseIsOutdone) {
  auto actual = stored(desired(300), 1);
  actual.push_back(foreign(7));

  Step next = step(desired(300), actual, 1);

  EXPECT_EQ(next.generation, 8);
  EXPECT_THAT(next.updates, SizeIs(3));
  EXPECT_THAT(next.creations, IsEmpty());
  ASSERT_THAT(next.deletions, SizeIs(1));
  EXPECT_EQ(next.deletions[0].name, "somebody-elses");
}

TEST(Step, AHigherGenerationOfSomebodyElseIsOutdoneEvenWithoutSlicesOfOurs) {
  Step next = step(desired(1), {foreign(7)}, std::nullopt);

  EXPECT_EQ(next.generation, 8);
  EXPECT_THAT(next.creations, SizeIs(1));
  EXPECT_THAT(next.deletions, SizeIs(1));
}

TEST(Step, TheHighestGenerationThereIsCannotBeOutdone) {
  constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();

  EXPECT_EQ(step(desired(1), {foreign(kHighest)}, std::nullopt).generation, kHighest);
}

TEST(Step, SlicesWithOldNamesAreReplacedInANewGeneration) {
  auto old = foreign(1);
  old.metadata.name = "node-a-gpu.example.com-x7k2p";

  Step next = step(desired(1), {old}, std::nullopt);

  EXPECT_EQ(next.generation, 2);
  EXPECT_THAT(next.creations, SizeIs(1));
  ASSERT_THAT(next.deletions, SizeIs(1));
  EXPECT_EQ(next.deletions[0].uid, "foreign");
}

TEST(Step, TheFirstGenerationIsOne) {
  Step next = step(desired(300), {}, std::nullopt);

  EXPECT_EQ(next.generation, 1);
  ASSERT_THAT(next.creations, SizeIs(3));
  EXPECT_EQ(next.creations[2].metadata.generateName, "00002-gpu.example.com-node-a-");
  EXPECT_EQ(next.creations[2].pool.generation, 1);
}

TEST(Step, WhatIsAsItShouldBeIsNeverWritten) {
  EXPECT_TRUE(step(desired(300), stored(desired(300), 5), 5).empty());
}

TEST(Step, AfterARestartTheSameIsAdopted) {
  Step next = step(desired(300), stored(desired(300), 5), std::nullopt);

  EXPECT_TRUE(next.empty());
  EXPECT_EQ(next.generation, 5);
}

TEST(Step, APublicationThatARestartInterruptedGoesOnInItsGeneration) {
  auto actual = stored(desired(300), 5);
  actual.pop_back();
  Step afterCreations = step(desired(300), actual, std::nullopt);
  EXPECT_EQ(afterCreations.generation, 5);
  EXPECT_THAT(afterCreations.creations, SizeIs(1));
  EXPECT_THAT(afterCreations.updates, IsEmpty());

  actual = stored(desired(300), 5);
  actual[1].pool.generation = 4;
  actual[1].devices.pop_back();
  Step afterUpdates = step(desired(300), actual, std::nullopt);
  EXPECT_EQ(afterUpdates.generation, 5);
  EXPECT_THAT(afterUpdates.updates, SizeIs(1));
}

TEST(Step, AChangedPlanIsOneStepOfTheGeneration) {
  Step next = step(desired(200), stored(desired(300), 5), std::nullopt);

  EXPECT_EQ(next.generation, 6);
  ASSERT_THAT(next.updates, SizeIs(2));
  EXPECT_EQ(next.updates[0].pool.resourceSliceCount, 2);
  EXPECT_EQ(next.updates[0].metadata.resourceVersion, "100");
  ASSERT_THAT(next.deletions, SizeIs(1));
  EXPECT_EQ(next.deletions[0].uid, "uid-2");
}

TEST(Step, AnotherAttemptAtTheSamePlanIsNoFurtherStep) {
  auto actual = stored(desired(300), 5);
  auto want = desired(200);
  actual[0] = stored(want, 6)[0];

  Step next = step(want, actual, 6);

  EXPECT_EQ(next.generation, 6);
  EXPECT_THAT(next.updates, SizeIs(1));
  EXPECT_THAT(next.deletions, SizeIs(1));
}

TEST(Step, WhatSomebodyRemovedOrEditedIsPutBackInTheSameGeneration) {
  auto actual = stored(desired(300), 5);
  actual[0].devices.pop_back();
  actual.erase(actual.begin() + 1);

  Step next = step(desired(300), actual, 5);

  EXPECT_EQ(next.generation, 5);
  ASSERT_THAT(next.updates, SizeIs(1));
  EXPECT_EQ(next.updates[0].devices, desired(300)[0].devices);
  ASSERT_THAT(next.creations, SizeIs(1));
  EXPECT_EQ(next.creations[0].devices, desired(300)[1].devices);
}

TEST(Step, AnotherOwnerIsADifference) {
  auto actual = stored(desired(1), 5);
  actual[0].metadata.ownerReferences[0].uid = "an earlier node";

  Step next = step(desired(1), actual, 5);

  ASSERT_THAT(next.updates, SizeIs(1));
  EXPECT_EQ(next.updates[0].metadata.ownerReferences[0].uid, "node-uid");
  EXPECT_EQ(next.updates[0].metadata.uid, "uid-0");
}

TEST(Step, OfTwoSlicesOfOneIndexTheBetterOneStays) {
  auto actual = stored(desired(1), 5);
  auto second = actual[0];
  second.metadata.name = generateName(0, second) + "zzzzz";
  second.metadata.uid = "uid-z";
  actual[0].devices.clear();
  actual.push_back(second);

  Step next = step(desired(1), actual, 5);

  EXPECT_THAT(next.updates, IsEmpty());
  ASSERT_THAT(next.deletions, SizeIs(1));
  EXPECT_EQ(next.deletions[0].uid, "uid-0");
}

TEST(Step, ASliceOfAnotherPoolOfTheDriverIsSurplusAndItsGenerationDoesNotCount) {
  auto other = foreign(9);
  other.pool.name = "another";
  auto actual = stored(desired(1), 5);
  actual.push_back(other);

  Step next = step(desired(1), actual, std::nullopt);

  EXPECT_EQ(next.generation, 5);
  EXPECT_THAT(next.updates, IsEmpty());
  EXPECT_THAT(next.deletions, SizeIs(1));
}

}  // namespace
}  // namespace simgpu::slice
