// The profiles cpu and net, and the options of gpu, against what the reference driver makes of them.
#include <nlohmann/json.hpp>

#include "unit/device/profile_builder.h"

namespace simgpu::device {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kUid = "7c0d9ef4-7c3e-4d0e-8d4f-0b6d6d7d0c11";
constexpr const char* kShare = "5f3c7a52-0000-4000-8000-000000000000";

base::Quantity quantity(std::string_view text) {
  return *base::Quantity::parse(text);
}

Profile embedded(std::string_view name) {
  auto profile = Profile::embedded(name);
  EXPECT_OK(profile);
  return *profile;
}

NodeContext nodeOf(const Profile& profile) {
  return {.nodeName = "node0", .driverName = profile.defaultDriverName(), .numDevices = {}};
}

std::vector<Device> devicesOf(const Profile& profile, const NodeContext& node) {
  auto devices = profile.devices(node);
  EXPECT_OK(devices);
  return devices.value_or(std::vector<Device>());
}

TEST(CpuProfile, ClaimsShareNumaNodesByTheirCpus) {
  Profile profile = embedded("cpu");
  NodeContext node = nodeOf(profile);
  node.cpuNumaNodes = 2;
  node.cpusPerNumaNode = 16;
  node.numDevices = 5;  // means other profiles

  auto devices = devicesOf(profile, node);

  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[1].name, "numa-1");
  EXPECT_EQ(devices[1].attributes, (std::map<std::string, Attribute>{{"numaNodeID", std::int64_t{1}}}));
  EXPECT_EQ(devices[1].capacity,
            (std::map<std::string, base::Quantity>{{"cpu.example.com/cpu", base::Quantity::decimal(16)}}));
  EXPECT_TRUE(devices[1].allowMultipleAllocations);
  EXPECT_THAT(devices[1].requestPolicies, IsEmpty());
  EXPECT_EQ(devices[1].nodeAllocatable, (std::map<std::string, NodeAllocatable>{
                                            {"cpu", {.capacity = "cpu.example.com/cpu", .multiplier = std::nullopt}}}));
}

TEST(CpuProfile, TheCapacityIsNamedAfterTheDriver) {
  Profile profile = embedded("cpu");
  NodeContext node = nodeOf(profile);
  node.driverName = "cpu.team-a.example.com";

  auto devices = devicesOf(profile, node);

  ASSERT_EQ(devices.size(), 8u);
  EXPECT_EQ(devices[0].capacity.at("cpu.team-a.example.com/cpu"), base::Quantity::decimal(4));
  auto edits = profile.deviceEdits(
      node, devices[0],
      {.claimUid = kUid, .shareId = kShare, .consumedCapacity = {{"cpu.team-a.example.com/cpu", quantity("1")}}}, {});
  ASSERT_OK(edits);
  EXPECT_THAT(edits->env, ElementsAre(std::string("CPU_DEVICE_NUMA_0_RESOURCE_CLAIM=") + kUid, "DRA_ADMIN_ACCESS=false",
                                      "CPU_DEVICE_0=numa-0", "CPU_DEVICE_0_CONSUMED_CPU=1"));
}

TEST(CpuProfile, AnyConfigIsRefused) {
  EXPECT_THAT(embedded("cpu").decodeParameters("numa", nlohmann::json::object()),
              Fails(Code::invalidArgument, HasSubstr("accept none")));
}

TEST(NetProfile, ClaimsShareTheBandwidthOfCards) {
  Profile profile = embedded("net");
  NodeContext node = nodeOf(profile);
  node.numDevices = 4;

  auto devices = devicesOf(profile, node);

  ASSERT_EQ(devices.size(), 4u);
  const Device& nic = devices[1];
  EXPECT_EQ(nic.name, "nic-1");
  EXPECT_EQ(nic.attributes.at("uuid"), Attribute("net-79211cc7-9870-40fb-1bcd-7a9bfbf3bff0"));
  EXPECT_EQ(nic.attributes.at("model"), Attribute("LATEST-NET-MODEL"));
  RequestPolicy bandwidth{
      .standard = quantity("1G"),
      .validValues = {},
      .validRange = RequestPolicy::Range{.min = quantity("100M"), .max = quantity("100G"), .step = quantity("1M")}};
  EXPECT_EQ(nic.requestPolicies,
            (std::map<std::string, RequestPolicy>{
                {"ingressBandwidth", bandwidth},
                {"egressBandwidth", bandwidth},
                {"vfs", {.standard = quantity("1"), .validValues = {quantity("1")}, .validRange = {}}}}));
}

TEST(NetProfile, BurstsAndRatesReachTheContainerAsPlainNumbers) {
  Profile profile = embedded("net");
  Device nic = devicesOf(profile, nodeOf(profile)).at(1);
  Allocation allocation{
      .claimUid = kUid,
      .shareId = kShare,
      .consumedCapacity = {{"ingressBandwidth", quantity("10G")}, {"egressBandwidth", quantity("2.5G")}}};

  auto edits = profile.deviceEdits(nodeOf(profile), nic, allocation,
                                   NetConfig{.ingressBurst = 1'000'000, .egressBurst = 2'000'000});

  ASSERT_OK(edits);
  EXPECT_THAT(edits->env, ElementsAre(std::string("NET_DEVICE_NIC_1_RESOURCE_CLAIM=") + kUid, "DRA_ADMIN_ACCESS=false",
                                      "NET_DEVICE_1_INGRESS_BURST=1000000", "NET_DEVICE_1_EGRESS_BURST=2000000",
                                      "NET_DEVICE_1_INGRESS_RATE=10000000000", "NET_DEVICE_1_EGRESS_RATE=2500000000"));
}

TEST(NetProfile, WithoutConfigAndAllocationNothingIsSaidAboutBandwidth) {
  Profile profile = embedded("net");
  Device nic = devicesOf(profile, nodeOf(profile)).at(0);

  auto edits = profile.deviceEdits(nodeOf(profile), nic, {.claimUid = kUid, .shareId = {}, .consumedCapacity = {}},
                                   *profile.defaultParameters("nic"));

  ASSERT_OK(edits);
  EXPECT_THAT(edits->env,
              ElementsAre(std::string("NET_DEVICE_NIC_0_RESOURCE_CLAIM=") + kUid, "DRA_ADMIN_ACCESS=false"));
}

TEST(Profiles, WhatNoDeviceOfTheProfileCanDoIsRefused) {
  for (const char* name : {"cpu", "net"}) {
    NodeContext node = nodeOf(embedded(name));
    node.gpuPartitions = 0;
    EXPECT_OK(embedded(name).devices(node));
    node.gpuPartitions = 2;
    EXPECT_THAT(embedded(name).devices(node), Fails(Code::invalidArgument, HasSubstr("--gpu-partitions: profile ")));
    node.gpuPartitions = {};
    node.gpuAllowMultipleAllocations = true;
    EXPECT_THAT(embedded(name).devices(node),
                Fails(Code::invalidArgument, HasSubstr("--gpu-allow-multiple-allocations: profile ")));
  }
}

}  // namespace
}  // namespace simgpu::device
