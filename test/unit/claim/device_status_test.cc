#include "simgpu/claim/device_status.h"

#include <gmock/gmock.h>

namespace simgpu::claim {
namespace {

using nlohmann::json;
using testing::IsEmpty;
using testing::SizeIs;

const device::Inventory kInventory = *device::Inventory::create(
    *device::Profile::embedded("gpu"), {.nodeName = "node-a", .driverName = "gpu.example.com"});

kube::AllocationResult result(const std::string& device, const std::string& driver = "gpu.example.com",
                              const std::string& pool = "node-a") {
  return {.request = "gpu", .driver = driver, .pool = pool, .device = device};
}

TEST(DescribeDevices, WhatIsNotOursOrNotThereIsLeftOut) {
  kube::Allocation allocation{.results = {result("gpu-0", "other.example.com"),
                                          result("gpu-0", "gpu.example.com", "node-b"), result("gpu-99")}};
  EXPECT_THAT(describeDevices(kInventory, allocation), IsEmpty());
}

TEST(DescribeDevices, DevicesWithoutTheAttributesAreLeftOut) {
  auto profile = device::Profile::parse(R"(apiVersion: simgpu/v1alpha1
kind: DeviceProfile
name: plain
class: thing
driverName: plain.example.com
devices:
  - kind: thing
    name: thing-${index}
    count: 1
    attributes:
      uuid: {int: 7}
    env:
      - {name: THING, value: "${name}"}
)",
                                        "plain");
  ASSERT_TRUE(profile) << profile.error();
  auto inventory = device::Inventory::create(*profile, {.nodeName = "node-a", .driverName = "plain.example.com"});
  ASSERT_TRUE(inventory) << inventory.error();
  kube::Allocation allocation{.results = {result(inventory->devices().front().name, "plain.example.com", "node-a")}};
  EXPECT_THAT(describeDevices(*inventory, allocation), IsEmpty());
}

TEST(DescribeDevices, TheDataIsTheReferenceDrivers) {
  kube::Allocation allocation{.results = {result("gpu-1")}};

  auto statuses = describeDevices(kInventory, allocation);

  ASSERT_THAT(statuses, SizeIs(1));
  EXPECT_EQ(statuses[0].device, "gpu-1");
  EXPECT_EQ(statuses[0].shareId, "");
  std::string uuid = std::get<std::string>(kInventory.find("gpu-1")->attributes.at("uuid"));
  EXPECT_EQ(statuses[0].data, json::parse(R"({"driverVersion":{"version":"1.0.0"},
                                              "model":{"string":"LATEST-GPU-MODEL"},
                                              "uuid":{"string":")" +
                                          uuid + R"("}})"));
}

TEST(DescribeDevices, SharesAreToldApartAndADeviceOfTwoRequestsIsThereOnce) {
  kube::Allocation allocation{.results = {result("gpu-0"), result("gpu-0"), result("gpu-1"), result("gpu-1")}};
  allocation.results[1].adminAccess = true;
  allocation.results[2].shareId = "share-1";
  allocation.results[3].shareId = "share-2";

  auto statuses = describeDevices(kInventory, allocation);

  ASSERT_THAT(statuses, SizeIs(3));
  EXPECT_EQ(statuses[1].shareId, "share-1");
  EXPECT_EQ(statuses[2].shareId, "share-2");
}

TEST(SaysAlready, ComparesKeysAndDataAndNothingElse) {
  kube::AllocatedDeviceStatus wanted{.driver = "d", .pool = "p", .device = "gpu-0", .shareId = "s", .data = {{"a", 1}}};
  kube::ResourceClaim claim;
  EXPECT_FALSE(saysAlready(claim, {wanted}));
  EXPECT_TRUE(saysAlready(claim, {}));

  claim.devices = {wanted};
  claim.devices[0].conditions.push_back({.type = "Ready"});
  EXPECT_TRUE(saysAlready(claim, {wanted}));

  claim.devices[0].shareId = "";
  EXPECT_FALSE(saysAlready(claim, {wanted}));
  claim.devices[0] = wanted;
  claim.devices[0].data["a"] = 2;
  EXPECT_FALSE(saysAlready(claim, {wanted}));
}

}  // namespace
}  // namespace simgpu::claim
