#include "claim/overlap.h"

#include "fakes/result_matchers.h"
#include "simgpu/device/profile.h"

namespace simgpu::claim {
namespace {

using testing::HasSubstr;

base::Quantity quantity(std::string_view text) {
  return *base::Quantity::parse(text);
}

class OverlapTest : public testing::Test {
 protected:
  static device::Inventory gpus(std::optional<std::size_t> partitions) {
    return *device::Inventory::create(*device::Profile::embedded("gpu"), {.nodeName = "node-a",
                                                                          .driverName = "gpu.example.com",
                                                                          .numDevices = 2,
                                                                          .gpuPartitions = partitions,
                                                                          .gpuAllowMultipleAllocations = true});
  }

  /// A device as `inventory` describes it.
  static HeldDevice held(const device::Inventory& inventory, std::string_view name) {
    const device::Device& device = *inventory.find(name);
    return {
        .pool = "node-a", .device = device.name, .shareId = {}, .parent = device.parent, .counters = device.counters};
  }

  static HeldDevice share(const device::Inventory& inventory, std::string_view name, std::string_view shareId,
                          std::string_view memory) {
    HeldDevice device = held(inventory, name);
    device.shareId = shareId;
    device.consumed = {{"memory", quantity(memory)}};
    return device;
  }

  static Record record(const std::string& uid, std::vector<HeldDevice> devices) {
    return {.prepared = {.claim = {.space = "team-a", .name = uid, .uid = uid}}, .held = std::move(devices)};
  }

  std::optional<Overlap::Conflict> find(const Record& wanted, std::vector<Record> others) {
    others_ = std::move(others);
    std::vector<const Record*> pointers;
    for (Record& other : others_) {
      for (HeldDevice& device : other.held) {
        overlap.complete(device);
      }
      pointers.push_back(&other);
    }
    return overlap.find(wanted, pointers);
  }

  device::Inventory inventory = gpus(4);
  Overlap overlap{&inventory};
  std::vector<Record> others_;
};

TEST_F(OverlapTest, AWholeGpuDoesNotFitBesideAPartitionOfIt) {
  Record part = record("u-1", {held(inventory, "gpu-0-partition-1")});
  Record whole = record("u-2", {held(inventory, "gpu-0-full")});

  auto conflict = find(whole, {part});

  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->holder->prepared.claim.uid, "u-1");
  EXPECT_EQ(conflict->subject, "device gpu-0-full needs 100 compute of gpu-0, which has 75 left; gpu-0-partition-1 is");
  EXPECT_TRUE(find(part, {whole})) << "nor the other way round";
}

TEST_F(OverlapTest, PartitionsOfAGpuGoTogetherAsLongAsThereIsEnough) {
  std::vector<Record> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(record("u-" + std::to_string(i), {held(inventory, "gpu-0-partition-" + std::to_string(i))}));
  }
  Record last = record("u-9", {held(inventory, "gpu-0-partition-3")});
  EXPECT_FALSE(find(last, others));
  EXPECT_FALSE(find(record("u-9", {held(inventory, "gpu-1-full")}), others)) << "another GPU";

  others.front().held.front().counters["memory"] = quantity("30Gi");  // prepared when there were fewer partitions
  auto conflict = find(last, others);
  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->subject,
            "device gpu-0-partition-3 needs 20Gi memory of gpu-0, which has 10Gi left; gpu-0-partition-0 is");
}

TEST_F(OverlapTest, AClaimCanBeInItsOwnWay) {
  auto conflict = find(record("u-1", {held(inventory, "gpu-0-partition-0"), held(inventory, "gpu-0-full")}), {});

  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->holder, nullptr);
  EXPECT_THAT(conflict->subject, HasSubstr("gpu-0-full is"));
}

TEST_F(OverlapTest, AGpuThatWasWholeBeforeItWasPartitionedHoldsAllOfIt) {
  // Records of undivided devices, of earlier releases and of the reference driver name the device and nothing else.
  Record before = record("u-1", {{.pool = "node-a", .device = "gpu-0", .shareId = {}}});

  auto conflict = find(record("u-2", {held(inventory, "gpu-0-partition-0")}), {before});

  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->subject, "device gpu-0-partition-0 is a part of the same hardware as gpu-0, which is");
  EXPECT_FALSE(find(record("u-2", {held(inventory, "gpu-1-partition-0")}), {before}));
}

TEST_F(OverlapTest, APartitionOfEarlierKeepsItsGpuFromBeingWhole) {
  Record before = record("u-1", {held(inventory, "gpu-0-partition-0")});
  inventory = gpus(0);

  EXPECT_TRUE(find(record("u-2", {held(inventory, "gpu-0")}), {before}));
  EXPECT_FALSE(find(record("u-2", {held(inventory, "gpu-1")}), {before}));
}

TEST_F(OverlapTest, WhatARecordOfTheReferenceDriverNamesIsLookedUp) {
  Record foreign = record("u-1", {{.pool = {}, .device = "gpu-0-partition-1", .shareId = {}}});

  EXPECT_TRUE(find(record("u-2", {held(inventory, "gpu-0-full")}), {foreign}));
  EXPECT_FALSE(find(record("u-2", {held(inventory, "gpu-0-partition-0")}), {foreign}));
}

TEST_F(OverlapTest, SharesOfADeviceNeverTakeMoreThanItHas) {
  inventory = gpus(0);
  std::vector<Record> others = {record("u-1", {share(inventory, "gpu-0", "s-1", "40Gi")}),
                                record("u-2", {share(inventory, "gpu-0", "s-2", "24Gi")})};

  EXPECT_FALSE(find(record("u-3", {share(inventory, "gpu-0", "s-3", "16Gi")}), others));
  auto conflict = find(record("u-3", {share(inventory, "gpu-0", "s-3", "17Gi")}), others);
  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->holder->prepared.claim.uid, "u-1");
  EXPECT_EQ(conflict->subject, "device gpu-0 has 16Gi memory left, and the claim was given 17Gi; another share is");
  EXPECT_FALSE(find(record("u-3", {share(inventory, "gpu-1", "s-3", "17Gi")}), others));
}

TEST_F(OverlapTest, TheSharesOfOneClaimCountTogether) {
  inventory = gpus(0);
  auto shares = [&](std::string_view memory) {
    return record("u-1", {share(inventory, "gpu-0", "s-1", "40Gi"), share(inventory, "gpu-0", "s-2", memory)});
  };

  EXPECT_FALSE(find(shares("40Gi"), {}));
  auto conflict = find(shares("41Gi"), {});
  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->holder, nullptr);
}

TEST_F(OverlapTest, TheSharesOfAPartitionDrawFromTheGpuOnce) {
  std::vector<Record> others = {record("u-1", {share(inventory, "gpu-0-partition-0", "s-1", "8Gi")}),
                                record("u-2", {share(inventory, "gpu-0-partition-0", "s-2", "8Gi")}),
                                record("u-3", {held(inventory, "gpu-0-partition-1")}),
                                record("u-4", {held(inventory, "gpu-0-partition-2")})};

  EXPECT_FALSE(find(record("u-5", {share(inventory, "gpu-0-partition-0", "s-3", "4Gi")}), others));
  EXPECT_TRUE(find(record("u-5", {share(inventory, "gpu-0-partition-0", "s-3", "5Gi")}), others));
  EXPECT_FALSE(find(record("u-5", {held(inventory, "gpu-0-partition-3")}), others));
  EXPECT_TRUE(find(record("u-5", {held(inventory, "gpu-0-partition-0")}), others)) << "all of it";
}

TEST_F(OverlapTest, WithoutInventoryOnlyNamesCount) {
  Overlap blind(nullptr);
  Record one = record("u-1", {{.pool = "node-a", .device = "gpu-0", .shareId = {}}});
  blind.complete(one.held.front());
  Record other = record("u-2", {{.pool = "node-a", .device = "gpu-0-full", .shareId = {}}});
  const Record* others[] = {&one};

  EXPECT_FALSE(blind.find(other, others));
  EXPECT_TRUE(blind.find(record("u-2", {{.pool = "node-a", .device = "gpu-0", .shareId = {}}}), others));
}

}  // namespace
}  // namespace simgpu::claim
