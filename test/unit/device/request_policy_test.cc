#include "device/request_policy.h"

#include "unit/device/profile_builder.h"

namespace simgpu::device {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

base::Quantity quantity(std::string_view text) {
  return *base::Quantity::parse(text);
}

PolicyData range(std::string_view min, std::optional<std::string_view> step = {},
                 std::optional<std::string_view> max = {}, std::optional<std::string_view> standard = {}) {
  auto optional = [](const auto& text) { return text ? std::optional(quantity(*text)) : std::nullopt; };
  return {.standard = optional(standard),
          .validValues = {},
          .validRange = PolicyData::Range{.min = quantity(min), .max = optional(max), .step = optional(step)}};
}

/// What the API server checks of a policy with a range.
void expectValid(const RequestPolicy& policy, const base::Quantity& value) {
  if (!policy.validRange) {
    ASSERT_FALSE(policy.validValues.empty());
    EXPECT_LE(policy.validValues.back(), value);
    EXPECT_THAT(policy.validValues, testing::Contains(policy.standard));
    return;
  }
  const auto& [min, max, step] = *policy.validRange;
  EXPECT_LE(min, policy.standard);
  EXPECT_LE(policy.standard, max);
  EXPECT_LE(max, value);
  if (step) {
    EXPECT_GT(*step, base::Quantity());
    EXPECT_LE(min + *step, value);
    EXPECT_EQ((max - min).value() % step->value(), 0);
    EXPECT_EQ((policy.standard - min).value() % step->value(), 0);
  }
}

TEST(RequestPolicyOfAWhole, WhatTheApiServerWouldRefuseIsRefused) {
  EXPECT_THAT(makePolicy(range("2", {}, "1"), quantity("9")),
              Fails(Code::invalidArgument,
                    "requestPolicy: expected min ≤ default ≤ max ≤ value, found min 2, default 9, max 1, value 9"));
  EXPECT_THAT(makePolicy(range("1", {}, "10"), quantity("9")), Fails(Code::invalidArgument, HasSubstr("max 10")));
  EXPECT_THAT(makePolicy(range("2", {}, "9", "1"), quantity("9")),
              Fails(Code::invalidArgument, HasSubstr("default 1")));
  EXPECT_THAT(makePolicy(range("1", "9"), quantity("9")),
              Fails(Code::invalidArgument, HasSubstr("expected min and step to be at most the value 9 together")));
  EXPECT_THAT(
      makePolicy(range("1", "3", "9", "4"), quantity("9")),
      Fails(Code::invalidArgument, HasSubstr("expected a max that is a whole number of steps of 3 away from 1")));
  EXPECT_THAT(makePolicy(range("1", "4", "9", "4"), quantity("9")),
              Fails(Code::invalidArgument, HasSubstr("expected a default that is a whole number of steps")));
  PolicyData values{.standard = quantity("3"), .validValues = {quantity("1"), quantity("2")}, .validRange = {}};
  EXPECT_THAT(makePolicy(values, quantity("9")),
              Fails(Code::invalidArgument, HasSubstr("expected a default among the validValues, found 3")));
  values.standard = quantity("1");
  EXPECT_THAT(makePolicy(values, quantity("1")),
              Fails(Code::invalidArgument, HasSubstr("expected validValues of at most the value 1, found 2")));
}

TEST(RequestPolicyOfAWhole, ItsProfileNamesTheCapacity) {
  std::string text = with(fullProfile(), "bandwidth: 100G",
                          "bandwidth: {value: 100G, requestPolicy: {validRange: {min: 1G, max: 200G}}}");

  EXPECT_THAT(
      Profile::parse(text, "t")->devices(node0()),
      Fails(Code::invalidArgument, StartsWith("profile nic: device nic-0: capacity.bandwidth: requestPolicy: ")));
}

TEST(RequestPolicyOfAPart, IsThatOfTheWholeWhereItFits) {
  RequestPolicy policy = fitPolicy(range("1Gi", "1Gi"), quantity("20Gi"));

  EXPECT_EQ(policy.standard, quantity("20Gi"));
  EXPECT_EQ(policy.validRange, (RequestPolicy::Range{quantity("1Gi"), quantity("20Gi"), quantity("1Gi")}));
}

TEST(RequestPolicyOfAPart, HasASmallerStepWhereTheStepDoesNotLeadToTheEnd) {
  EXPECT_EQ(fitPolicy(range("1Gi", "1Gi"), quantity("2560Mi")).validRange,
            (RequestPolicy::Range{quantity("1Gi"), quantity("2560Mi"), quantity("512Mi")}));
  EXPECT_EQ(fitPolicy(range("1Gi", "1Gi"), quantity("28633115306")).validRange,
            (RequestPolicy::Range{quantity("1Gi"), quantity("28633115306"), quantity("2")}));
}

TEST(RequestPolicyOfAPart, IsAllOrNothingWhereThePartIsSmallerThanARequest) {
  RequestPolicy policy = fitPolicy(range("1Gi", "1Gi"), quantity("512Mi"));

  EXPECT_EQ(policy,
            (RequestPolicy{.standard = quantity("512Mi"), .validValues = {quantity("512Mi")}, .validRange = {}}));
}

TEST(RequestPolicyOfAPart, IsValidForEveryNumberOfPartitions) {
  for (std::int64_t parts = 1; parts <= 100; ++parts) {
    for (auto [whole, policy] : {std::pair("80Gi", range("1Gi", "1Gi")), std::pair("100", range("1", "1")),
                                 std::pair("100G", range("100M", "1M", "100G", "1G"))}) {
      base::Quantity part = quantity(whole).dividedBy(parts);
      expectValid(fitPolicy(policy, part), part);
    }
  }
}

TEST(RequestPolicyOfAPart, KeepsTheValuesThatFit) {
  PolicyData values{
      .standard = quantity("8"), .validValues = {quantity("1"), quantity("4"), quantity("8")}, .validRange = {}};

  EXPECT_EQ(
      fitPolicy(values, quantity("5")),
      (RequestPolicy{.standard = quantity("4"), .validValues = {quantity("1"), quantity("4")}, .validRange = {}}));
  expectValid(fitPolicy(values, quantity("500m")), quantity("500m"));
}

TEST(RequestPolicies, OfGpusAreThereOnlyIfClaimsMayShareThem) {
  EXPECT_TRUE(gpuProfile().devices(node0())->front().requestPolicies.empty());
  NodeContext node = node0();
  node.gpuAllowMultipleAllocations = true;

  Device gpu = gpuProfile().devices(node)->front();

  EXPECT_TRUE(gpu.allowMultipleAllocations);
  EXPECT_EQ(gpu.requestPolicies.at("memory"),
            (RequestPolicy{.standard = quantity("80Gi"),
                           .validValues = {},
                           .validRange = RequestPolicy::Range{quantity("1Gi"), quantity("80Gi"), quantity("1Gi")}}));
}

}  // namespace
}  // namespace simgpu::device
