#include "simgpu/controller/binding_rules.h"

#include <gmock/gmock.h>

#include "fakes/result_matchers.h"

namespace simgpu::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

const auto kNow = std::chrono::system_clock::time_point(std::chrono::hours(500'000));

kube::AllocationResult result(const std::string& device, const std::string& driver = "gpu.example.com") {
  return {.request = "gpu",
          .driver = driver,
          .pool = "node-a",
          .device = device,
          .bindingConditions = {"Attached", "Reset"},
          .bindingFailureConditions = {"Broken"}};
}

kube::ResourceClaim claim(std::vector<kube::AllocationResult> results) {
  kube::ResourceClaim claim;
  claim.metadata = {.name = "train", .space = "team-a", .uid = "u-1"};
  claim.allocation.emplace().results = std::move(results);
  return claim;
}

kube::Condition condition(const std::string& type, const std::string& status = "True") {
  return {.type = type, .status = status, .reason = "Mine", .lastTransitionTime = "2020-01-01T00:00:00Z"};
}

kube::AllocatedDeviceStatus statusOf(const kube::AllocationResult& result, std::vector<kube::Condition> conditions) {
  return {.driver = result.driver,
          .pool = result.pool,
          .device = result.device,
          .shareId = result.shareId,
          .conditions = std::move(conditions)};
}

class BindingRulesTest : public testing::Test {
 protected:
  BindingStep plan(const kube::ResourceClaim& claim) const { return planBinding(rules, claim, kNow); }

  void failDevices(std::string_view pattern) { rules.failDevices.push_back(*DevicePattern::parse(pattern)); }

  static std::vector<std::string> types(const kube::AllocatedDeviceStatus& status) {
    std::vector<std::string> types;
    for (const kube::Condition& each : status.conditions) {
      types.push_back(each.type);
    }
    return types;
  }

  BindingRules rules{.driverName = "gpu.example.com", .failDevices = {}};
};

TEST_F(BindingRulesTest, ClaimsWithoutBindingConditionsOfOursNeedNothing) {
  EXPECT_THAT(plan({}).statuses, IsEmpty());
  EXPECT_THAT(plan(claim({})).statuses, IsEmpty());
  EXPECT_THAT(plan(claim({result("nic-0", "net.example.com")})).statuses, IsEmpty());
  auto plain = result("gpu-0");
  plain.bindingConditions.clear();
  EXPECT_THAT(plan(claim({plain})).statuses, IsEmpty());
}

TEST_F(BindingRulesTest, EachConditionBecomesTrueAsInTheReferenceDriver) {
  auto shared = result("gpu-0");
  shared.shareId = "share-1";

  auto step = plan(claim({shared, result("nic-0", "net.example.com")}));

  ASSERT_THAT(step.statuses, SizeIs(1));
  EXPECT_EQ(step.statuses[0].shareId, "share-1");
  EXPECT_THAT(types(step.statuses[0]), ElementsAre("Attached", "Reset"));
  EXPECT_EQ(step.statuses[0].conditions[0], (kube::Condition{.type = "Attached",
                                                             .status = "True",
                                                             .reason = "Ready",
                                                             .message = "Device is ready",
                                                             .lastTransitionTime = "2027-01-15T08:00:00Z"}));
  EXPECT_THAT(step.changes, ElementsAre("gpu-0: Attached", "gpu-0: Reset"));
}

TEST_F(BindingRulesTest, WhatIsTrueAlreadyIsAppliedAgainAsItIs) {
  auto first = result("gpu-0");
  auto second = result("gpu-1");
  auto object = claim({first, second});
  object.devices = {statusOf(first, {condition("Attached"), condition("Reset")}),
                    statusOf(second, {condition("Attached"), condition("Reset", "False"), condition("Foreign")})};

  auto step = plan(object);

  EXPECT_THAT(step.changes, ElementsAre("gpu-1: Reset"));
  ASSERT_THAT(step.statuses, SizeIs(2));
  EXPECT_THAT(step.statuses[0].conditions, ElementsAre(condition("Attached"), condition("Reset")));
  EXPECT_EQ(step.statuses[1].conditions[0], condition("Attached"));
  EXPECT_THAT(types(step.statuses[1]), ElementsAre("Attached", "Reset")) << "others' conditions are theirs";
}

TEST_F(BindingRulesTest, NothingIsLeftToDoWhenAllIsTrue) {
  auto ready = result("gpu-0");
  auto object = claim({ready});
  object.devices = {statusOf(ready, {condition("Attached"), condition("Reset")})};
  EXPECT_THAT(plan(object).statuses, IsEmpty());

  object.metadata.annotations["gpu.example.com/binding"] = "fail";
  EXPECT_THAT(plan(object).statuses, IsEmpty()) << "it is bound, and fails no more";
}

TEST_F(BindingRulesTest, AListOfDevicesFailsAndOthersDoNot) {
  failDevices("gpu-1");
  failDevices("node-b/*");

  auto step = plan(claim({result("gpu-0"), result("gpu-1")}));

  ASSERT_THAT(step.statuses, SizeIs(2));
  EXPECT_THAT(types(step.statuses[0]), ElementsAre("Attached", "Reset"));
  EXPECT_THAT(types(step.statuses[1]), ElementsAre("Broken"));
  EXPECT_EQ(step.statuses[1].conditions[0].status, "True");
  EXPECT_EQ(step.statuses[1].conditions[0].reason, "SimulatedFailure");
}

TEST_F(BindingRulesTest, AnAnnotationCountsMoreThanTheList) {
  failDevices("*");
  auto object = claim({result("gpu-0")});
  object.metadata.annotations["gpu.example.com/binding"] = "ready";
  EXPECT_THAT(types(plan(object).statuses.at(0)), ElementsAre("Attached", "Reset"));

  rules.failDevices.clear();
  object.metadata.annotations["gpu.example.com/binding"] = "fail";
  EXPECT_THAT(types(plan(object).statuses.at(0)), ElementsAre("Broken"));

  object.metadata.annotations["gpu.example.com/binding"] = "wait";
  EXPECT_THAT(plan(object).statuses, IsEmpty());

  object.metadata.annotations = {{"net.example.com/binding", "fail"}};
  EXPECT_THAT(types(plan(object).statuses.at(0)), ElementsAre("Attached", "Reset")) << "meant for another driver";
}

TEST_F(BindingRulesTest, AnAnnotationThatMeansNothingIsComplainedAbout) {
  auto object = claim({result("gpu-0")});
  object.metadata.annotations["gpu.example.com/binding"] = "fial";

  auto step = plan(object);

  EXPECT_THAT(types(step.statuses.at(0)), ElementsAre("Attached", "Reset"));
  EXPECT_THAT(step.complaint, Optional(HasSubstr("gpu.example.com/binding is \"fial\"")));
}

TEST_F(BindingRulesTest, AFailureThatIsReportedAlreadyIsNotReportedAgain) {
  failDevices("gpu-0");
  auto broken = result("gpu-0");
  auto object = claim({broken});
  object.devices = {statusOf(broken, {condition("Broken")})};
  EXPECT_THAT(plan(object).statuses, IsEmpty());
}

TEST_F(BindingRulesTest, ADeviceOfTwoRequestsIsThereOnce) {
  EXPECT_THAT(plan(claim({result("gpu-0"), result("gpu-0")})).statuses, SizeIs(1));
}

TEST(DevicePattern, NamesDevicesOfOnePoolOrOfAll) {
  auto matches = [](std::string_view pattern, const std::string& pool, const std::string& device) {
    return DevicePattern::parse(pattern)->matches({.pool = pool, .device = device});
  };
  EXPECT_TRUE(matches("gpu-1", "any", "gpu-1"));
  EXPECT_FALSE(matches("gpu-1", "any", "gpu-10"));
  EXPECT_TRUE(matches("gpu-1*", "any", "gpu-10"));
  EXPECT_TRUE(matches("*-part-*", "any", "gpu-0-part-3"));
  EXPECT_TRUE(matches("worker-*/gpu-1", "worker-7", "gpu-1"));
  EXPECT_FALSE(matches("worker-*/gpu-1", "control-plane", "gpu-1"));
  EXPECT_TRUE(matches("rack/a/gpu-1", "rack/a", "gpu-1"));
  EXPECT_FALSE(matches("rack*/gpu-1", "rack/a", "gpu-1"));
}

TEST(DevicePattern, EmptyPartsAreRefused) {
  for (const char* text : {"", "/gpu-1", "node/"}) {
    EXPECT_THAT(DevicePattern::parse(text), Fails(Code::invalidArgument, HasSubstr("<pool>/<device>"))) << text;
  }
}

}  // namespace
}  // namespace simgpu::controller
