#include "standin/allocator.h"

#include <gmock/gmock.h>

#include "fakes/result_matchers.h"

namespace simgpu::standin {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class AllocatorTest : public testing::Test {
 protected:
  AllocatorTest() {
    inventory.classes["gpu"] = {{"spec", {{"selectors", selectors("device.driver == 'gpu.example.com'")}}}};
  }

  static json selectors(const std::string& expression) {
    return json::array({{{"cel", {{"expression", expression}}}}});
  }

  json& addSlice(const std::string& name, std::vector<std::string> devices, int generation = 1, int count = 1) {
    json spec = {{"driver", "gpu.example.com"},
                 {"nodeName", "node-a"},
                 {"pool", {{"name", "node-a"}, {"generation", generation}, {"resourceSliceCount", count}}},
                 {"devices", json::array()}};
    for (const std::string& device : devices) {
      spec["devices"].push_back({{"name", device}, {"capacity", {{"memory", {{"value", "80Gi"}}}}}});
    }
    return inventory.slices.emplace_back(json{{"metadata", {{"name", name}}}, {"spec", spec}});
  }

  static json claim(json exactly) {
    exactly["deviceClassName"] = exactly.value("deviceClassName", "gpu");
    return {{"spec", {{"devices", {{"requests", json::array({{{"name", "r"}, {"exactly", exactly}}})}}}}}};
  }

  /// The names of the allocated devices.
  Result<std::vector<std::string>> devices(const json& claim, const std::string& node = "node-a") {
    auto allocation = Allocator(inventory, node).allocate(claim);
    if (!allocation) {
      return unexpected(allocation.error());
    }
    std::vector<std::string> names;
    for (const json& result : (*allocation)["devices"]["results"]) {
      names.push_back(result["device"]);
    }
    return names;
  }

  void take(const std::string& device) {
    json result = {{"driver", "gpu.example.com"}, {"pool", "node-a"}, {"device", device}};
    inventory.claims.push_back({{"status", {{"allocation", {{"devices", {{"results", json::array({result})}}}}}}}});
  }

  Inventory inventory;
};

TEST_F(AllocatorTest, TooFewDevicesAreAFailure) {
  addSlice("s", {"gpu-0"});

  EXPECT_THAT(devices(claim({{"allocationMode", "ExactCount"}, {"count", 2}})),
              Fails(Code::failedPrecondition, HasSubstr("not enough devices")));
}

TEST_F(AllocatorTest, AMissingClassIsNamed) {
  EXPECT_THAT(devices(claim({{"deviceClassName", "tpu"}, {"count", 1}})),
              Fails(Code::failedPrecondition, HasSubstr("device class tpu does not exist")));
}

TEST_F(AllocatorTest, AnIncompletePoolIsNotUsed) {
  addSlice("s", {"gpu-0"}, 1, 2);

  EXPECT_FALSE(devices(claim({{"count", 1}})));
}

TEST_F(AllocatorTest, OnlyTheHighestGenerationCounts) {
  addSlice("old", {"gpu-0"}, 1);
  addSlice("new", {"gpu-1"}, 2);

  EXPECT_THAT(devices(claim({{"count", 1}})), IsOkAndHolds(ElementsAre("gpu-1")));
}

TEST_F(AllocatorTest, SelectorsThatAreNotUnderstoodAreRefused) {
  addSlice("s", {"gpu-0"});

  EXPECT_THAT(devices(claim({{"count", 1}, {"selectors", selectors("true")}})),
              Fails(Code::unimplemented, HasSubstr("request r")));
}

TEST_F(AllocatorTest, ConstraintsAreRefused) {
  addSlice("s", {"gpu-0"});
  json constrained = claim({{"count", 1}});
  constrained["spec"]["devices"]["constraints"] = json::array({{{"matchAttribute", "x/y"}}});

  EXPECT_THAT(devices(constrained), Fails(Code::unimplemented, HasSubstr("constraints")));
}

TEST_F(AllocatorTest, AllNeedsEveryMatchingDevice) {
  addSlice("s", {"gpu-0", "gpu-1"});
  EXPECT_THAT(devices(claim({{"allocationMode", "All"}})), IsOkAndHolds(ElementsAre("gpu-0", "gpu-1")));

  take("gpu-1");
  EXPECT_THAT(devices(claim({{"allocationMode", "All"}})), Fails(Code::failedPrecondition, HasSubstr("not all")));
}

TEST_F(AllocatorTest, TakenDevicesAreSkippedButForAdmins) {
  addSlice("s", {"gpu-0", "gpu-1"});
  take("gpu-0");

  EXPECT_THAT(devices(claim({{"count", 1}})), IsOkAndHolds(ElementsAre("gpu-1")));
  EXPECT_THAT(devices(claim({{"count", 1}, {"adminAccess", true}})), IsOkAndHolds(ElementsAre("gpu-0")));
}

TEST_F(AllocatorTest, TaintedDevicesNeedAToleration) {
  addSlice("s", {"gpu-0"})["spec"]["devices"][0]["taints"] =
      json::array({{{"key", "k"}, {"value", "v"}, {"effect", "NoSchedule"}}});

  EXPECT_FALSE(devices(claim({{"count", 1}})));
  json toleration = {{"key", "k"}, {"operator", "Equal"}, {"value", "v"}};
  EXPECT_OK(devices(claim({{"count", 1}, {"tolerations", json::array({toleration})}})));
}

TEST_F(AllocatorTest, TheFirstAlternativeThatFitsIsTaken) {
  addSlice("s", {"gpu-0", "gpu-1"});
  json two = {{"name", "two"}, {"deviceClassName", "gpu"}, {"count", 3}};
  json one = {{"name", "one"}, {"deviceClassName", "gpu"}, {"count", 1}};
  json object = claim({{"count", 1}});
  object["spec"]["devices"]["requests"][0] = {{"name", "r"}, {"firstAvailable", json::array({two, one})}};

  auto allocation = Allocator(inventory, "node-a").allocate(object);

  ASSERT_OK(allocation);
  EXPECT_EQ((*allocation)["devices"]["results"][0]["request"], "r/one");
}

TEST_F(AllocatorTest, ConfigurationIsCopiedWithItsSource) {
  addSlice("s", {"gpu-0"});
  json opaque = {{"opaque", {{"driver", "gpu.example.com"}, {"parameters", json::object()}}}};
  inventory.classes["gpu"]["spec"]["config"] = json::array({opaque});
  json object = claim({{"count", 1}});
  json named = opaque;
  named["requests"] = {"r"};
  json foreign = opaque;
  foreign["requests"] = {"another"};
  object["spec"]["devices"]["config"] = json::array({named, foreign, opaque});

  auto allocation = Allocator(inventory, "node-a").allocate(object);

  ASSERT_OK(allocation);
  const json& config = (*allocation)["devices"]["config"];
  ASSERT_EQ(config.size(), 3u);
  EXPECT_EQ(config[0]["source"], "FromClass");
  EXPECT_EQ(config[0]["requests"], json::array({"r"}));
  EXPECT_EQ(config[1]["source"], "FromClaim");
  EXPECT_FALSE(config[2].contains("requests"));
}

TEST_F(AllocatorTest, LocalDevicesBindToTheirNode) {
  addSlice("s", {"gpu-0"});

  auto allocation = Allocator(inventory, "node-a").allocate(claim({{"count", 1}}));

  ASSERT_OK(allocation);
  EXPECT_EQ(allocation->at("/nodeSelector/nodeSelectorTerms/0/matchFields/0"_json_pointer),
            json({{"key", "metadata.name"}, {"operator", "In"}, {"values", {"node-a"}}}));
  EXPECT_FALSE(devices(claim({{"count", 1}}), "node-b"));
}

/// A slice of one GPU that claims share.
json sharedGpu() {
  json memory = {
      {"value", "80Gi"},
      {"requestPolicy", {{"default", "80Gi"}, {"validRange", {{"min", "1Gi"}, {"max", "80Gi"}, {"step", "1Gi"}}}}}};
  return {{"name", "gpu-0"}, {"allowMultipleAllocations", true}, {"capacity", {{"memory", memory}}}};
}

class SharingTest : public AllocatorTest {
 protected:
  SharingTest() { addSlice("s", {})["spec"]["devices"].push_back(sharedGpu()); }

  /// Allocates for good.
  Result<json> share(const std::string& uid, const json& memory) {
    json request = claim({{"count", 1}});
    if (!memory.is_null()) {
      request["spec"]["devices"]["requests"][0]["exactly"]["capacity"]["requests"]["memory"] = memory;
    }
    request["metadata"]["uid"] = uid;
    auto allocation = Allocator(inventory, "node-a").allocate(request);
    if (allocation) {
      inventory.claims.push_back({{"status", {{"allocation", *allocation}}}});
      return (*allocation)["devices"]["results"][0];
    }
    return allocation;
  }
};

TEST_F(SharingTest, ClaimsShareADeviceAsLongAsThereIsEnough) {
  auto first = share("u-1", "39.5Gi");
  ASSERT_OK(first);
  EXPECT_EQ((*first)["consumedCapacity"]["memory"], "40Gi") << "a whole number of steps";
  auto second = share("u-2", "24Gi");
  ASSERT_OK(second);
  EXPECT_NE((*first)["shareID"], (*second)["shareID"]);

  EXPECT_FALSE(share("u-3", "17Gi"));
  EXPECT_OK(share("u-4", "16Gi"));
}

TEST_F(SharingTest, WhoAsksForNothingGetsTheDefault) {
  auto all = share("u-1", nullptr);
  ASSERT_OK(all);
  EXPECT_EQ((*all)["consumedCapacity"]["memory"], "80Gi");
  EXPECT_FALSE(share("u-2", "1Gi"));
}

TEST_F(SharingTest, ARequestBeyondThePolicyIsNotMet) {
  EXPECT_FALSE(share("u-1", "81Gi"));
}

TEST_F(AllocatorTest, PartitionsAndTheWholeDrawFromTheSameCounters) {
  json& counters = addSlice("00000", {}, 1, 2)["spec"];
  counters.erase("devices");
  counters["sharedCounters"] = json::array({{{"name", "c"}, {"counters", {{"memory", {{"value", "80Gi"}}}}}}});
  json& spec = addSlice("00001", {"part-0", "part-1", "whole"}, 1, 2)["spec"];
  for (json& device : spec["devices"]) {
    const char* memory = device["name"] == "whole" ? "80Gi" : "40Gi";
    device["consumesCounters"] = json::array({{{"counterSet", "c"}, {"counters", {{"memory", {{"value", memory}}}}}}});
  }

  EXPECT_THAT(devices(claim({{"count", 2}})), IsOkAndHolds(ElementsAre("part-0", "part-1")));
  EXPECT_FALSE(devices(claim({{"count", 3}})));
  take("part-0");
  EXPECT_THAT(devices(claim({{"count", 1}})), IsOkAndHolds(ElementsAre("part-1")));
  take("part-1");
  EXPECT_FALSE(devices(claim({{"count", 1}})));
}

}  // namespace
}  // namespace simgpu::standin
