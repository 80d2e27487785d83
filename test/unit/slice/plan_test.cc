#include "simgpu/slice/plan.h"

#include <set>

#include <gmock/gmock.h>

#include "unit/slice/slice_builder.h"

namespace simgpu::slice {
namespace {

using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Plan, ANodeWithoutDevicesHasOneEmptySlice) {
  auto slices = plan(gpus(0)).slices;

  ASSERT_THAT(slices, SizeIs(1));
  EXPECT_THAT(slices[0].devices, IsEmpty());
  EXPECT_EQ(slices[0].pool.resourceSliceCount, 1);
}

TEST(Plan, AFullSliceIsNotFollowedByAnEmptyOne) {
  EXPECT_THAT(plan(gpus(128)).slices, SizeIs(1));
  EXPECT_THAT(plan(gpus(129)).slices, SizeIs(2));
}

TEST(Plan, AThousandDevicesAreEightSlicesOfOnePool) {
  auto slices = plan(gpus(1000)).slices;

  ASSERT_THAT(slices, SizeIs(8));
  std::set<std::string> names;
  for (const kube::ResourceSlice& slice : slices) {
    EXPECT_EQ(slice.driver, kDriver);
    EXPECT_EQ(slice.nodeName, "node-a");
    EXPECT_EQ(slice.pool, (kube::ResourcePool{.name = "node-a", .generation = 0, .resourceSliceCount = 8}));
    EXPECT_LE(slice.devices.size(), kMaxDevicesPerSlice);
    for (const kube::Device& device : slice.devices) {
      names.insert(device.name);
    }
  }
  EXPECT_THAT(names, SizeIs(1000));
  EXPECT_EQ(slices[1].devices.front().name, "gpu-128");
  EXPECT_EQ(slices[7].devices.back().name, "gpu-999");
}

TEST(Plan, EveryDeviceSaysWhetherItCanBeShared) {
  EXPECT_THAT(plan(gpus(3)).slices[0].devices,
              Each(Field(&kube::Device::allowMultipleAllocations, std::optional(false))));
}

std::optional<std::size_t> indexOfName(std::string name, const std::string& node = "node-a") {
  kube::ResourceSlice slice;
  slice.driver = kDriver;
  slice.nodeName = node;
  slice.metadata.name = std::move(name);
  return indexOf(slice);
}

TEST(SliceName, OtherNamesHaveNoIndex) {
  EXPECT_EQ(indexOfName(""), std::nullopt);
  EXPECT_EQ(indexOfName("abc"), std::nullopt);
  EXPECT_EQ(indexOfName("node-a-gpu.example.com-x7k2p"), std::nullopt);
  EXPECT_EQ(indexOfName("00000-gpu.example.com-node-b-x7k2p"), std::nullopt);
  EXPECT_EQ(indexOfName("0-gpu.example.com-node-a-x7k2p"), std::nullopt);
  EXPECT_EQ(indexOfName("0000A-gpu.example.com-node-a-x7k2p"), std::nullopt);
  EXPECT_EQ(indexOfName("0000g-gpu.example.com-node-a-x7k2p"), std::nullopt);
  EXPECT_EQ(indexOfName("fffffffffffffffffff-gpu.example.com-node-a-x7k2p"), std::nullopt);
}

TEST(SliceName, AnOldNameOfANodeThatLooksLikeAnIndexHasNone) {
  EXPECT_EQ(indexOfName("00000-1-gpu.example.com-x7k2p", "00000-1"), std::nullopt);
}

TEST(SliceName, TheIndexIsHexadecimalWithFiveDigitsOrMore) {
  kube::ResourceSlice slice = plan(gpus(1)).slices.front();
  for (std::size_t index : {0ul, 10ul, 0x1234aul, 0x100000ul}) {
    EXPECT_EQ(indexOfName(generateName(index, slice) + "x7k2p"), index);
  }
  EXPECT_EQ(generateName(10, slice), "0000a-gpu.example.com-node-a-");
}

TEST(SliceName, OfANameThatTheServerCutTheBeginningIsEnough) {
  const std::string node = "ip-192-168-100-200.eu-central-1.compute.internal";
  kube::ResourceSlice slice = plan(gpus(1, node)).slices.front();
  std::string prefix = generateName(3, slice);
  ASSERT_GT(prefix.size(), 58u);

  EXPECT_EQ(indexOfName(prefix.substr(0, 58) + "x7k2p", node), 3u);
}

}  // namespace
}  // namespace simgpu::slice
