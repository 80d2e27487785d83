// What is published with each option, and for each release of Kubernetes.
#include <gmock/gmock.h>

#include "fakes/golden.h"
#include "fakes/result_matchers.h"
#include "simgpu/kube/json.h"
#include "unit/slice/publisher_fixture.h"

namespace simgpu::slice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

ServerFeatures release(int minor) {
  return {.version = {.major = 1, .minor = minor}};
}

device::Inventory inventory(std::string_view profileName, device::NodeContext node) {
  auto profile = device::Profile::embedded(profileName);
  node.nodeName = "node-a";
  node.driverName = profile->defaultDriverName();
  auto made = device::Inventory::create(*std::move(profile), std::move(node));
  if (!made) {
    throw std::runtime_error(made.error().toString());
  }
  return *std::move(made);
}

device::Inventory partitioned(std::size_t gpus, std::size_t partitions) {
  return inventory("gpu", {.numDevices = gpus, .gpuPartitions = partitions});
}

std::string text(const Plan& plan) {
  json specs = json::array();
  for (const kube::ResourceSlice& slice : plan.slices) {
    specs.push_back(kube::toJson(slice)["spec"]);
  }
  return specs.dump(2) + "\n";
}

TEST(PlanOptions, AreThoseOfTheReference) {
  const std::vector<std::pair<std::string, device::Inventory>> options = {
      {"gpu", inventory("gpu", {.numDevices = 2})},
      {"gpu-none", inventory("gpu", {.numDevices = 0})},
      {"gpu-partitions", partitioned(2, 4)},
      {"gpu-partitions-uneven", partitioned(1, 3)},
      {"gpu-multiple-allocations", inventory("gpu", {.numDevices = 2, .gpuAllowMultipleAllocations = true})},
      {"gpu-multiple-allocations-partitions",
       inventory("gpu", {.numDevices = 1, .gpuPartitions = 4, .gpuAllowMultipleAllocations = true})},
      {"gpu-binding-conditions", inventory("gpu", {.numDevices = 2, .bindingConditions = true})},
      {"gpu-everything",
       inventory(
           "gpu",
           {.numDevices = 1, .gpuPartitions = 2, .gpuAllowMultipleAllocations = true, .bindingConditions = true})},
      {"cpu", inventory("cpu", {.cpuNumaNodes = 2, .cpusPerNumaNode = 8})},
      {"net", inventory("net", {.numDevices = 2})},
  };
  for (const auto& [name, devices] : options) {
    Plan made = plan(devices, release(36));
    EXPECT_THAT(made.leftOut, IsEmpty()) << name;
    fakes::expectGolden(text(made), "slice/" + name + ".json");
  }
}

TEST(PlanOptions, AnUnevenPartitionThatClaimsShareHasAPolicyThatLeadsToItsEnd) {
  auto made =
      plan(inventory("gpu", {.numDevices = 1, .gpuPartitions = 3, .gpuAllowMultipleAllocations = true}), release(36));

  fakes::expectGolden(text(made), "slice/gpu-multiple-allocations-partitions-uneven.json");
}

TEST(PlanReleases, CountersAreBesideTheirDevicesBefore135) {
  fakes::expectGolden(text(plan(partitioned(2, 4), release(34))), "slice/gpu-partitions-1.34.json");
  EXPECT_EQ(text(plan(partitioned(2, 4), release(35))), text(plan(partitioned(2, 4), release(37))));
}

TEST(PlanReleases, WhatDevicesTakeOfTheNodeHasTheFormOfTheRelease) {
  auto cpus = inventory("cpu", {.cpuNumaNodes = 1});

  fakes::expectGolden(text(plan(cpus, release(37))), "slice/cpu-1.37.json");
  Plan before = plan(cpus, release(35));
  EXPECT_TRUE(before.slices[0].devices[0].nodeAllocatableResourceMappings.empty());
  EXPECT_TRUE(before.slices[0].devices[0].nodeAllocatableResources.empty());
  EXPECT_THAT(before.leftOut, ElementsAre("what devices take of the node's own resources"));
}

constexpr const char* kRackProfile = R"(apiVersion: simgpu/v1alpha1
kind: DeviceProfile
name: gpu
devices:
  - kind: gpu
    name: gpu-${index}
    count: 65
    attributes:
      links: {strings: [a, b]}
    taints:
      - {key: example.com/worn, effect: None}
      - {key: example.com/hot, effect: NoSchedule}
    env:
      - {name: GPU, value: "${name}"}
)";

device::Inventory rack() {
  return *device::Inventory::create(*device::Profile::parse(kRackProfile, "rack.yaml"),
                                    {.nodeName = "node-a", .driverName = kDriver});
}

TEST(PlanReleases, WhatAReleaseWouldRefuseIsLeftOutAndNamedOnce) {
  Plan before = plan(rack(), release(34));
  EXPECT_THAT(before.leftOut,
              testing::UnorderedElementsAre("attributes that are lists", "taints with the effect None"));
  EXPECT_THAT(before.slices[0].devices[0].attributes, IsEmpty());
  EXPECT_THAT(before.slices[0].devices[0].taints, SizeIs(1));
  EXPECT_THAT(before.slices, SizeIs(1)) << "the limit of 64 came later";

  Plan now = plan(rack(), release(36));
  EXPECT_THAT(now.leftOut, IsEmpty());
  EXPECT_THAT(now.slices[0].devices[0].attributes, SizeIs(1));
  EXPECT_THAT(now.slices, SizeIs(2)) << "at most 64 devices in a slice with taints";

  ServerFeatures off = release(36);
  off.listAttributes = false;
  EXPECT_THAT(plan(rack(), off).leftOut, ElementsAre("attributes that are lists"));
}

void expectWithinLimits(const Plan& made, std::size_t devices, bool separate) {
  std::set<std::string> names;
  std::set<std::string> sets;
  for (const kube::ResourceSlice& slice : made.slices) {
    EXPECT_EQ(slice.pool.resourceSliceCount, static_cast<std::int64_t>(made.slices.size()));
    EXPECT_LE(slice.devices.size(), separate ? 64u : 128u);
    EXPECT_TRUE(!separate || slice.devices.empty() || slice.sharedCounters.empty());
    EXPECT_LE(slice.sharedCounters.size(), separate ? 8u : 16u) << "32 counters of 2 each";
    std::set<std::string> here;
    for (const kube::CounterSet& set : slice.sharedCounters) {
      EXPECT_TRUE(sets.insert(set.name).second);
      here.insert(set.name);
    }
    for (const kube::Device& device : slice.devices) {
      EXPECT_TRUE(names.insert(device.name).second);
      EXPECT_TRUE(separate || here.contains(device.consumesCounters.at(0).counterSet)) << device.name;
    }
  }
  EXPECT_EQ(names.size(), devices);
}

TEST(PlanLimits, PartitionsAreSpreadOverAsManySlicesAsNeeded) {
  for (auto [gpus, partitions] : {std::pair(8u, 7u), std::pair(8u, 8u), std::pair(9u, 4u), std::pair(17u, 32u),
                                  std::pair(3u, 100u), std::pair(90u, 100u)}) {
    auto devices = partitioned(gpus, partitions);
    expectWithinLimits(plan(devices, release(36)), gpus * (partitions + 1), true);
    expectWithinLimits(plan(devices, release(34)), gpus * (partitions + 1), false);
  }
}

TEST(PlanLimits, TheDefaultWithSevenPartitionsIsTwoSlices) {
  EXPECT_THAT(plan(partitioned(8, 7), release(36)).slices, SizeIs(2));
  EXPECT_THAT(plan(partitioned(8, 8), release(36)).slices, SizeIs(3));
}

TEST(PlanDependence, OnlySomeDevicesDependOnTheServer) {
  EXPECT_FALSE(dependsOnServer(inventory("gpu", {})));
  EXPECT_FALSE(dependsOnServer(inventory("net", {})));
  EXPECT_TRUE(dependsOnServer(inventory("cpu", {})));
  EXPECT_TRUE(dependsOnServer(partitioned(1, 1)));
  EXPECT_TRUE(dependsOnServer(rack()));
}

class PublishedOptionsTest : public PublisherTest {
 protected:
  void publishInventory(device::Inventory devices) {
    publisher.reset();
    publisher = makePublisher(std::move(devices));
  }
};

TEST_F(PublishedOptionsTest, PartitionsOfManyGpusAreTakenByTheServer) {
  publishInventory(partitioned(9, 8));
  ASSERT_TRUE(becomesIdle());

  EXPECT_TRUE(published(81, 1));
  EXPECT_THAT(slices(), SizeIs(4)) << "two of counters, two of devices";
  EXPECT_EQ(lines.count("dropped fields"), 0u);
}

TEST_F(PublishedOptionsTest, EveryPolicyIsTakenByTheServer) {
  for (std::size_t partitions : {0u, 1u, 3u, 7u, 12u, 80u, 100u}) {
    std::size_t before = lines.count("Published ResourceSlices");
    publishInventory(
        inventory("gpu", {.numDevices = 1, .gpuPartitions = partitions, .gpuAllowMultipleAllocations = true}));
    ASSERT_TRUE(eventually([&] { return lines.count("Published ResourceSlices") > before; })) << partitions;
  }
  EXPECT_EQ(lines.count("Cannot publish"), 0u);
}

TEST_F(PublishedOptionsTest, WhatTheServerFillsInIsNotTakenForAChange) {
  publishInventory(inventory("cpu", {}));
  ASSERT_TRUE(becomesIdle());

  EXPECT_EQ(slices().at(0)["spec"]["devices"][0]["nodeAllocatableResourceMappings"]["cpu"]["allocationMultiplier"],
            "1");
  EXPECT_EQ(writes(), 1u);
  EXPECT_EQ(lines.count("dropped fields"), 0u);
}

TEST_F(PublishedOptionsTest, ListsAreLeftOutOnceTheServerHasRefusedThem) {
  publishInventory(rack());
  ASSERT_TRUE(becomesIdle());

  EXPECT_TRUE(published(65, 1));
  EXPECT_EQ(lines.count("trying without attributes that are lists"), 1u);
  EXPECT_EQ(lines.count("leaving out what it would refuse"), 1u);
  EXPECT_EQ(server.requests("POST", kSlices), 3u) << "one in vain, then two slices";
}

TEST_F(PublishedOptionsTest, TheVersionIsReadAgainWhenTheConnectionWasLost) {
  publishInventory(partitioned(1, 2));
  ASSERT_TRUE(becomesIdle());
  EXPECT_EQ(server.requests("GET", "/version"), 1u);

  network.breakWatches(Status::unavailable("connection reset"));

  ASSERT_TRUE(eventually([&] {
    clock.advance(1s);
    return server.requests("GET", "/version") == 2u;
  }));
  ASSERT_TRUE(watches(2));
  EXPECT_EQ(writes(), 2u) << "it is the same, so nothing changes";
}

TEST_F(PublishedOptionsTest, TheFormFollowsTheVersionOfTheServer) {
  publishInventory(inventory("cpu", {.cpuNumaNodes = 1}));
  ASSERT_TRUE(becomesIdle());
  server.intercept([](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    return request.target == "/version" ? std::optional(answer(200, R"({"major":"1","minor":"37"})")) : std::nullopt;
  });

  network.breakWatches(Status::unavailable("connection reset"));

  ASSERT_TRUE(eventually([&] {
    clock.advance(1s);
    return published(1, 2);
  }));
  json device = slices().at(0)["spec"]["devices"][0];
  EXPECT_FALSE(device.contains("nodeAllocatableResourceMappings"));
  EXPECT_EQ(device["nodeAllocatableResources"]["cpu"]["mapping"]["capacityMultiplier"], "1");
}

TEST_F(PublishedOptionsTest, AServerThatKeepsItsVersionToItselfIsTakenForACurrentOne) {
  server.intercept([](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    return request.target == "/version" ? std::optional(answer(403)) : std::nullopt;
  });
  publishInventory(partitioned(1, 2));
  ASSERT_TRUE(becomesIdle());

  EXPECT_TRUE(published(3, 1));
  EXPECT_EQ(lines.count("taking it for a current one"), 1u);
}

TEST_F(PublishedOptionsTest, ALayoutThatTheServerRefusesIsTriedRarely) {
  server.intercept([](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    return request.method == "POST" ? std::optional(answer(422, "no such layout")) : std::nullopt;
  });
  publishInventory(partitioned(1, 2));
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(pauses());
    clock.advance(1s);
  }

  EXPECT_LE(server.requests("POST", kSlices), 3u);
  EXPECT_LE(server.requests("GET", "/version"), 4u) << "it may be another server by then";
}

}  // namespace
}  // namespace simgpu::slice
