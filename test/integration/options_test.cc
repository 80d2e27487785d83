// What devices are made of: partitions, shares and other profiles, with the real program.

#include "integration/running_node.h"

namespace simgpu::integration {
namespace {

using fakes::AllocationBuilder;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::SizeIs;

constexpr const char* kShare = "11111111-0000-4000-8000-00000000000";

class OptionsTest : public RunningNodeTest {
 protected:
  void SetUp() override { startKubelet(); }

  void start(const std::vector<std::string>& arguments) {
    if (driver) {
      stop();
    }
    run(arguments);
  }

  claim::ClaimRef share(std::string_view name, std::string_view device, char id, const nlohmann::json& consumed) {
    return cluster.claim(name, AllocationBuilder().device(device).share(std::string(kShare) + id, consumed).build());
  }
};

TEST_F(OptionsTest, OptionsThatTheProfileHasNoUseForEndTheProgram) {
  auto arguments = driverArguments();
  arguments.emplace_back("--gpu-partitions=2");
  auto [refused, text] = runToEnd([&] {
    auto all = arguments;
    all.emplace_back("--device-profile=net");
    return all;
  }());
  EXPECT_EQ(refused, 1);
  EXPECT_THAT(text, HasSubstr("Error: --gpu-partitions: profile net has no devices that it could divide"));

  arguments.back() = "--gpu-partitions=101";
  std::tie(refused, text) = runToEnd(arguments);
  EXPECT_EQ(refused, 1);
  EXPECT_THAT(text, HasSubstr("expected at most 100 partitions of each device, so that each has some compute"));
}

TEST_F(OptionsTest, NothingOfAPartitionedGpuIsHandedOutTwice) {
  start({"--gpu-partitions=4"});
  ASSERT_TRUE(awaitDevices(45)) << driverLog();
  EXPECT_THAT(slices(), SizeIs(3)) << "nine counter sets are two slices";
  claim::ClaimRef part = claim("part", "gpu-0-partition-1");
  auto prepared = prepare(part);
  ASSERT_OK(prepared);
  EXPECT_THAT(environmentOf(*prepared), IsSupersetOf({"GPU_DEVICE_0_PARTITION_1=gpu-0-partition-1"}));
  EXPECT_OK(prepare(claim("neighbour", "gpu-0-partition-2")));

  EXPECT_THAT(prepare(claim("whole", "gpu-0-full")),
              Fails(Code::internal, HasSubstr("device gpu-0-full needs 100 compute of gpu-0, which has 50 left")));

  // Another process, with other settings, knows it from the spec.
  start({"--gpu-partitions=0"});
  EXPECT_THAT(prepare(claim("undivided", "gpu-0")),
              Fails(Code::internal, HasSubstr("device gpu-0 is a part of the same hardware as gpu-0-partition-")));
  EXPECT_OK(prepare(claim("another", "gpu-1")));
}

TEST_F(OptionsTest, ClaimsShareAGpuAndNoMore) {
  start({"--gpu-allow-multiple-allocations"});
  ASSERT_TRUE(awaitDevices(9)) << driverLog();
  auto first = prepare(share("first", "gpu-3", '1', {{"memory", "48Gi"}, {"compute", "20"}}));
  ASSERT_OK(first);
  EXPECT_THAT(environmentOf(*first), IsSupersetOf({"GPU_DEVICE_3_MEMORY=48Gi", "GPU_DEVICE_3_COMPUTE=20"}));
  EXPECT_OK(prepare(share("second", "gpu-3", '2', {{"memory", "32Gi"}, {"compute", "20"}})));

  EXPECT_THAT(
      prepare(share("third", "gpu-3", '3', {{"memory", "1Gi"}, {"compute", "20"}})),
      Fails(Code::internal, HasSubstr("device gpu-3 has 0 memory left, and the claim was given 1Gi; another share "
                                      "is in use by ResourceClaim team-a/")));
}

TEST_F(OptionsTest, CpusAndNetworkCardsAreSharedToo) {
  start({"--device-profile=cpu", "--driver-name=gpu.example.com", "--cpu-numa-nodes=2"});
  ASSERT_TRUE(awaitDevices(2)) << driverLog();
  EXPECT_EQ(slices().front()["spec"]["devices"][1]["nodeAllocatableResourceMappings"]["cpu"]["capacityKey"],
            "gpu.example.com/cpu");
  auto cpus = prepare(share("cpus", "numa-1", '1', {{"gpu.example.com/cpu", "2"}}));
  ASSERT_OK(cpus);
  EXPECT_THAT(environmentOf(*cpus), IsSupersetOf({"CPU_DEVICE_1=numa-1", "CPU_DEVICE_1_CONSUMED_CPU=2"}));

  start({"--device-profile=net", "--driver-name=gpu.example.com", "--num-devices=4"});
  ASSERT_TRUE(awaitDevices(4)) << driverLog();
  auto card = prepare(share("card", "nic-1", '1', {{"ingressBandwidth", "10G"}, {"egressBandwidth", "5G"}}));
  ASSERT_OK(card);
  EXPECT_THAT(environmentOf(*card),
              IsSupersetOf({"NET_DEVICE_1_INGRESS_RATE=10000000000", "NET_DEVICE_1_EGRESS_RATE=5000000000"}));
}

}  // namespace
}  // namespace simgpu::integration
