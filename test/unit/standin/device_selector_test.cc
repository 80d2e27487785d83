#include "standin/device_selector.h"

#include <gmock/gmock.h>

#include "fakes/result_matchers.h"

namespace simgpu::standin {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const char* const kDriver = "gpu.example.com";

json device() {
  return {{"name", "gpu-0"},
          {"attributes",
           {{"model", {{"string", "LATEST"}}},
            {"driverVersion", {{"version", "1.0.0"}}},
            {"other.com/x", {{"string", "y"}}}}},
          {"capacity", {{"memory", {{"value", "80Gi"}}}}}};
}

Result<bool> matches(const std::string& expression) {
  auto selector = DeviceSelector::parse(expression);
  return selector ? selector->matches(kDriver, device()) : unexpected(selector.error());
}

TEST(DeviceSelector, OtherExpressionsAreRefusedByName) {
  for (const char* expression : {"true", "device.driver != 'x'", "device.driver == 'x' || true", ""}) {
    EXPECT_THAT(DeviceSelector::parse(expression), Fails(Code::unimplemented, HasSubstr("does not understand")));
  }
}

TEST(DeviceSelector, WhatADeviceLacksIsAnError) {
  EXPECT_THAT(matches("device.attributes['gpu.example.com'].nothing == 'x'"),
              Fails(Code::invalidArgument, HasSubstr("no such key: nothing")));
  EXPECT_THAT(matches("device.capacity['other.com'].memory == quantity('1')"),
              Fails(Code::invalidArgument, HasSubstr("no such key: memory")));
}

TEST(DeviceSelector, NothingIsLookedAtAfterAPartThatDoesNotHold) {
  EXPECT_THAT(matches("device.driver == 'x' && device.attributes['x'].nothing == 'y'"), IsOkAndHolds(false));
}

TEST(DeviceSelector, UnderstandsTheFormsOfTheTutorial) {
  const std::pair<const char*, bool> cases[] = {
      {"device.driver == 'gpu.example.com'", true},
      {"device.driver==\"other.com\"", false},
      {R"(device.capacity["gpu.example.com"].memory == quantity("80Gi"))", true},
      {R"(device.capacity["gpu.example.com"].memory == quantity("40Gi"))", false},
      {R"(device.capacity['gpu.example.com'].memory.compareTo(quantity("40Gi")) >= 0)", true},
      {R"(device.capacity['gpu.example.com'].memory.compareTo(quantity("80Gi")) > 0)", false},
      {R"(device.capacity['gpu.example.com'].memory.compareTo(quantity("81Gi")) < 0)", true},
      {"device.attributes['gpu.example.com'].model == 'LATEST'", true},
      {"device.attributes['gpu.example.com'].driverVersion == '1.0.0'", true},
      {"device.attributes['other.com'].x == 'y'", true},
      {"device.driver == 'gpu.example.com' &&\n device.attributes['gpu.example.com'].model == 'A && B'", false},
  };
  for (const auto& [expression, expected] : cases) {
    EXPECT_THAT(matches(expression), IsOkAndHolds(expected)) << expression;
  }
}

}  // namespace
}  // namespace simgpu::standin
