#include "simgpu/device/inventory.h"
#include "unit/device/profile_builder.h"

namespace simgpu::device {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

using Amounts = std::map<std::string, base::Quantity>;

base::Quantity quantity(std::string_view text) {
  return *base::Quantity::parse(text);
}

NodeContext divided(std::size_t gpus, std::size_t partitions) {
  NodeContext node = node0();
  node.numDevices = gpus;
  node.gpuPartitions = partitions;
  return node;
}

std::vector<Device> devicesOf(const NodeContext& node) {
  auto devices = gpuProfile().devices(node);
  EXPECT_OK(devices);
  return devices.value_or(std::vector<Device>());
}

std::vector<std::string> namesOf(const std::vector<Device>& devices) {
  std::vector<std::string> names;
  for (const Device& device : devices) {
    names.push_back(device.name);
  }
  return names;
}

TEST(Partitions, OfWhichOneWouldHaveNothingAreRefused) {
  EXPECT_THAT(
      gpuProfile().devices(divided(1, 101)),
      Fails(Code::invalidArgument,
            "profile gpu: kind gpu: expected at most 100 partitions of each device, so that each has some compute, "
            "found 101"));
  EXPECT_OK(gpuProfile().devices(divided(1, 100)));
}

TEST(Partitions, ThatMakeTooManyDevicesAreRefused) {
  EXPECT_THAT(gpuProfile().devices(divided(100, 100)),
              Fails(Code::invalidArgument, HasSubstr("expected at most 10000 devices on a node")));
  EXPECT_THAT(gpuProfile().devices(divided(1, SIZE_MAX)), Fails(Code::invalidArgument, HasSubstr("at most 100")));
}

TEST(Partitions, ComeBeforeTheWholeOfTheirGpuAndThereIsNoOther) {
  EXPECT_THAT(namesOf(devicesOf(divided(2, 2))),
              testing::ElementsAre("gpu-0-partition-0", "gpu-0-partition-1", "gpu-0-full", "gpu-1-partition-0",
                                   "gpu-1-partition-1", "gpu-1-full"));
  EXPECT_THAT(namesOf(devicesOf(divided(2, 0))), testing::ElementsAre("gpu-0", "gpu-1"));
}

TEST(Partitions, HaveTheAttributesOfTheirGpuAndAPartOfItsCapacity) {
  auto devices = devicesOf(divided(1, 4));

  ASSERT_EQ(devices.size(), 5u);
  const Device& part = devices[1];
  EXPECT_EQ(part.attributes.at("index"), Attribute(std::int64_t{0}));
  EXPECT_EQ(part.attributes.at("partition"), Attribute(std::int64_t{1}));
  EXPECT_EQ(part.attributes.at("partitionable"), Attribute(true));
  EXPECT_EQ(part.attributes.at("uuid"), Attribute("gpu-ba3b8fe9-6640-9938-f8bd-8a7ff8ec6eae"));
  EXPECT_EQ(part.capacity, (Amounts{{"compute", quantity("25")}, {"memory", quantity("20Gi")}}));
  EXPECT_EQ(part.counters, part.capacity);
  EXPECT_EQ(part.counterSet, "gpu-0-counters");
  EXPECT_EQ(part.parent, "gpu-0");
  const Device& whole = devices[4];
  EXPECT_FALSE(whole.attributes.contains("partition"));
  EXPECT_EQ(whole.attributes.at("full"), Attribute(true));
  EXPECT_EQ(whole.capacity, (Amounts{{"compute", quantity("100")}, {"memory", quantity("80Gi")}}));
  EXPECT_EQ(whole.counters, whole.capacity);
}

TEST(Partitions, AreWholeNumbersOfBytesRoundedDown) {
  const std::map<std::size_t, std::pair<const char*, const char*>> sizes = {
      {3, {"28633115306", "33"}}, {4, {"20Gi", "25"}}, {7, {"12271335131", "14"}},
      {8, {"10Gi", "12"}},        {16, {"5Gi", "6"}},  {32, {"2560Mi", "3"}}};
  for (const auto& [partitions, size] : sizes) {
    Device part = devicesOf(divided(1, partitions)).front();
    EXPECT_EQ(part.capacity.at("memory").toString(), size.first);
    EXPECT_EQ(part.capacity.at("compute").toString(), size.second);
  }
}

TEST(Partitions, HaveTheUuidsOfUndividedGpus) {
  EXPECT_EQ(devicesOf(divided(8, 2)).back().attributes.at("uuid"),
            Attribute("gpu-db893ad1-29c0-dae7-a814-088b3c417e44"));
}

TEST(Partitions, TellTheirContainerTheirWholeName) {
  NodeContext node = divided(2, 2);
  auto devices = devicesOf(node);
  auto env = [&](std::size_t device) {
    return gpuProfile()
        .deviceEdits(node, devices.at(device), {.claimUid = "u", .shareId = {}, .consumedCapacity = {}}, {})
        ->env;
  };

  EXPECT_THAT(env(1), testing::IsSupersetOf({"GPU_DEVICE_GPU_0_PARTITION_1_RESOURCE_CLAIM=u",
                                             "GPU_DEVICE_0_PARTITION_1=gpu-0-partition-1"}));
  EXPECT_THAT(env(5), testing::Contains("GPU_DEVICE_1_FULL=gpu-1-full"));
}

TEST(Partitions, AnInventoryKnowsWhatTheyShare) {
  auto inventory = Inventory::create(gpuProfile(), divided(2, 4));

  ASSERT_OK(inventory);
  ASSERT_EQ(inventory->counterSets().size(), 2u);
  EXPECT_EQ(
      inventory->counterSets()[1],
      (CounterSet{.name = "gpu-1-counters", .counters = {{"compute", quantity("100")}, {"memory", quantity("80Gi")}}}));
  EXPECT_EQ(inventory->findCounterSet("gpu-1-counters"), &inventory->counterSets()[1]);
  EXPECT_EQ(inventory->findCounterSet("gpu-2-counters"), nullptr);
  EXPECT_THAT(Inventory::create(gpuProfile(), divided(2, 0))->counterSets(), IsEmpty());
}

}  // namespace
}  // namespace simgpu::device
