#include "simgpu/kube/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/result_matchers.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

json parsed(std::string_view text) {
  auto result = parseJson(text);
  EXPECT_OK(result);
  return result ? *result : json();
}

constexpr std::string_view kSlice = R"({
  "apiVersion":"resource.k8s.io/v1","kind":"ResourceSlice",
  "metadata":{"name":"s","generateName":"s-","uid":"u-1","resourceVersion":"7","annotations":{"a":"b"},
    "ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"node0","uid":"n-1","controller":true}]},
  "spec":{"driver":"gpu.example.com","nodeName":"node0","pool":{"name":"node0","generation":3,"resourceSliceCount":2},
    "devices":[{"name":"gpu-0",
      "attributes":{"index":{"int":0},"ok":{"bool":true},"model":{"string":"X"},"driverVersion":{"version":"1.0.0"},
        "links":{"strings":["a"]}},
      "capacity":{"memory":{"value":"80Gi","requestPolicy":{"default":"80Gi"}}},
      "taints":[{"key":"k","effect":"NoSchedule"}],"allowMultipleAllocations":true}]}})";

TEST(ParseJson, BrokenTextIsDataLossWithThePlace) {
  EXPECT_THAT(parseJson("{\"a\": }"), Fails(Code::dataLoss, HasSubstr("line 1, column 7")));
  EXPECT_THAT(parseJson(""), Fails(Code::dataLoss, HasSubstr("not valid JSON")));
  EXPECT_THAT(parseJson("{} x"), Fails(Code::dataLoss, HasSubstr("not valid JSON")));
  EXPECT_THAT(parseJson("\"\xff\""), Fails(Code::dataLoss, HasSubstr("not valid JSON")));
  EXPECT_THAT(parseJson("[1e400]"), Fails(Code::dataLoss, HasSubstr("not valid JSON")));
}

TEST(ParseJson, NestingBeyondReasonIsRefused) {
  EXPECT_THAT(parseJson(std::string(100000, '[')), Fails(Code::dataLoss, HasSubstr("levels deep")));
  EXPECT_OK(parseJson(std::string(400, '[') + std::string(400, ']')));
  EXPECT_OK(parseJson("\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\""));
}

TEST(ParseJson, OfDuplicateKeysTheLastOneWins) {
  EXPECT_EQ(parsed(R"({"a":{"x":1},"a":{"y":2}})"), json({{"a", {{"y", 2}}}}));
}

TEST(DumpJson, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(dumpJson(json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

TEST(ResourceSliceJson, AWrongTypeIsNamedWithItsPath) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const auto& [text, message] : std::initializer_list<Case>{
           {R"([])", "expected an object, found a list"},
           {R"({"spec":{"pool":{"generation":"3"}}})", "spec.pool.generation: expected an integer, found a string"},
           {R"({"spec":{"pool":{"generation":1.5}}})",
            "spec.pool.generation: expected an integer, found a number with a fraction"},
           {R"({"spec":{"devices":{}}})", "spec.devices: expected a list, found an object"},
           {R"({"spec":{"devices":[{"name":"a"},{"name":5}]}})",
            "spec.devices[1].name: expected a string, found an integer"},
           {R"({"spec":{"devices":[7]}})", "spec.devices[0]: expected an object, found an integer"},
           {R"({"spec":{"devices":[{"attributes":{"x":{"int":"1"}}}]}})",
            "spec.devices[0].attributes.x.int: expected an integer, found a string"},
           {R"({"spec":{"devices":[{"attributes":{"x":4}}]}})", "spec.devices[0].attributes.x: expected an object"},
           {R"({"spec":{"devices":[{"allowMultipleAllocations":"yes"}]}})",
            "spec.devices[0].allowMultipleAllocations: expected a boolean, found a string"},
           {R"({"metadata":{"annotations":{"a":1}}})",
            "metadata.annotations.a: expected a string, found an integer"}}) {
    EXPECT_THAT(resourceSliceFromJson(parsed(text)), Fails(Code::dataLoss, StartsWith(message))) << text;
  }
}

TEST(ResourceSliceJson, ABadQuantityIsNamedWithItsPath) {
  auto document = parsed(R"({"spec":{"devices":[{"capacity":{"memory":{"value":"12abc"}}}]}})");
  EXPECT_THAT(resourceSliceFromJson(document),
              Fails(Code::dataLoss, HasSubstr("spec.devices[0].capacity.memory.value: ")));
}

TEST(ResourceSliceJson, AbsentNullAndUnknownFieldsAreNoFailure) {
  EXPECT_OK(resourceSliceFromJson(parsed("{}")));
  auto slice = resourceSliceFromJson(parsed(
      R"({"metadata":null,"spec":{"driver":null,"devices":null,"sharedCounters":null,"pool":null,"laterToo":[1]},"later":true})"));
  ASSERT_OK(slice);
  EXPECT_EQ(*slice, ResourceSlice());
}

TEST(ResourceSliceJson, EveryFieldIsRead) {
  auto slice = resourceSliceFromJson(parsed(kSlice));
  ASSERT_OK(slice);
  EXPECT_EQ(slice->metadata.resourceVersion, "7");
  EXPECT_EQ(slice->metadata.ownerReferences.at(0), (OwnerReference{"v1", "Node", "node0", "n-1", true}));
  EXPECT_EQ(slice->pool, (ResourcePool{"node0", 3, 2}));
  const auto& device = slice->devices.at(0);
  EXPECT_THAT(device.attributes,
              ElementsAre(Pair("driverVersion", Eq(DeviceAttribute(VersionValue{"1.0.0"}))),
                          Pair("index", Eq(DeviceAttribute(std::int64_t{0}))),
                          Pair("links", Eq(DeviceAttribute(std::vector<std::string>{"a"}))),
                          Pair("model", Eq(DeviceAttribute(std::string("X")))), Pair("ok", Eq(DeviceAttribute(true)))));
  EXPECT_EQ(device.capacity.at("memory").toString(), "80Gi");
  EXPECT_EQ(device.requestPolicies.at("memory").standard->toString(), "80Gi");
  EXPECT_THAT(device.taints, ElementsAre(DeviceTaint{"k", "", "NoSchedule", ""}));
  EXPECT_EQ(device.allowMultipleAllocations, true);
}

/// All that devices can be made of, as the API server stores it.
constexpr std::string_view kIntricateSlice = R"({
  "apiVersion":"resource.k8s.io/v1","kind":"ResourceSlice","metadata":{},
  "spec":{"driver":"d","nodeName":"n","pool":{"name":"n","generation":1,"resourceSliceCount":1},
    "sharedCounters":[{"name":"c","counters":{"memory":{"value":"80Gi"}}}],
    "devices":[{"name":"a",
      "attributes":{"a":{"ints":[1,2]},"b":{"bools":[true,false]},"c":{"strings":["x"]},"d":{"versions":["1.0.0"]}},
      "capacity":{
        "bandwidth":{"value":"100G","requestPolicy":{"default":"1G","validRange":{"min":"100M","max":"100G","step":"1M"}}},
        "vfs":{"value":"8","requestPolicy":{"default":"1","validValues":["1","2"]}}},
      "consumesCounters":[{"counterSet":"c","counters":{"memory":{"value":"20Gi"}}}],
      "taints":[{"key":"k","value":"v","effect":"NoExecute","timeAdded":"2026-01-01T00:00:00Z"}],
      "bindingConditions":["Ready"],"bindingFailureConditions":["Broken"],
      "nodeAllocatableResourceMappings":{"cpu":{"capacityKey":"vfs","allocationMultiplier":"2"}},
      "nodeAllocatableResources":{
        "cpu":{"mapping":{"capacityKey":"vfs","capacityMultiplier":"2"},"overhead":{"perPod":"1"}},
        "memory":{"mapping":{"deviceMultiplier":"1Gi"}}},
      "allowMultipleAllocations":true}]}})";

TEST(ResourceSliceJson, AllThatDevicesCanBeMadeOfIsReadAndWrittenAgain) {
  auto slice = resourceSliceFromJson(parsed(kIntricateSlice));
  ASSERT_OK(slice);
  const auto& device = slice->devices.at(0);
  EXPECT_EQ(device.attributes.at("b"), DeviceAttribute(std::vector<bool>{true, false}));
  EXPECT_EQ(device.requestPolicies.at("bandwidth").validRange->step, base::Quantity::parse("1M").value());
  EXPECT_EQ(device.requestPolicies.at("vfs").validValues.size(), 2u);
  EXPECT_EQ(device.consumesCounters.at(0).counters.at("memory"), base::Quantity::parse("20Gi").value());
  EXPECT_EQ(device.nodeAllocatableResourceMappings.at("cpu").capacityKey, "vfs");
  EXPECT_EQ(device.nodeAllocatableResources.at("memory").multiplier, base::Quantity::parse("1Gi").value());
  EXPECT_EQ(slice->sharedCounters.at(0).name, "c");
  EXPECT_EQ(toJson(*slice), parsed(kIntricateSlice));
}

TEST(ResourceSliceJson, WrongTypesInWhatDevicesAreMadeOfAreNamedWithTheirPaths) {
  for (const auto& [device, message] : std::initializer_list<std::pair<std::string, std::string>>{
           {R"({"attributes":{"x":{"ints":["1"]}}})", "attributes.x.ints[0]: expected an integer, found a string"},
           {R"({"capacity":{"m":{"requestPolicy":[]}}})", "capacity.m.requestPolicy: expected an object, found a list"},
           {R"({"consumesCounters":[{"counters":{"m":{"value":"x"}}}]})", "consumesCounters[0].counters.m.value: "},
           {R"({"taints":[1]})", "taints[0]: expected an object, found an integer"},
           {R"({"bindingConditions":"Ready"})", "bindingConditions: expected a list, found a string"}}) {
    auto document = parsed(R"({"spec":{"devices":[)" + device + "]}}");
    EXPECT_THAT(resourceSliceFromJson(document), Fails(Code::dataLoss, StartsWith("spec.devices[0]." + message)))
        << device;
  }
  EXPECT_THAT(resourceSliceFromJson(parsed(R"({"spec":{"sharedCounters":[1]}})")),
              Fails(Code::dataLoss, StartsWith("spec.sharedCounters[0]: expected an object")));
}

TEST(ResourceSliceJson, WhatIsReadIsWrittenAgainWithForeignFields) {
  auto slice = resourceSliceFromJson(parsed(kSlice));
  ASSERT_OK(slice);
  EXPECT_EQ(toJson(*slice), parsed(kSlice));
}

TEST(ResourceSliceJson, APoolWithoutDevicesHasNoListOfDevices) {
  EXPECT_FALSE(toJson(ResourceSlice())["spec"].contains("devices"));
}

TEST(DeviceComparison, ForeignFieldsMakeADifferenceButEmptyOnesDoNot) {
  Device plain;
  Device foreign;
  foreign.others["taints"] = json::array();
  foreign.others["nodeSelector"] = json::object();
  EXPECT_EQ(plain, foreign);
  foreign.others["taints"].push_back({{"key", "k"}});
  EXPECT_NE(plain, foreign);
}

TEST(DeviceComparison, QuantitiesCompareByValueAndAbsentSharingIsNone) {
  Device a;
  Device b;
  a.capacity["memory"] = *base::Quantity::parse("1024Mi");
  b.capacity["memory"] = *base::Quantity::parse("1Gi");
  b.allowMultipleAllocations = false;
  EXPECT_EQ(a, b);
  b.allowMultipleAllocations = true;
  EXPECT_NE(a, b);
}

TEST(DeviceComparison, WhatTheServerFillsInDoesNotCount) {
  Device sent;
  sent.taints = {{.key = "k", .value = "v", .effect = "NoSchedule", .timeAdded = ""}};
  sent.nodeAllocatableResourceMappings["cpu"].capacityKey = "cpu";
  Device stored = sent;
  stored.taints[0].timeAdded = "2026-01-01T00:00:00Z";
  stored.nodeAllocatableResourceMappings["cpu"].multiplier = base::Quantity::decimal(1);
  EXPECT_EQ(sent, stored);

  stored.nodeAllocatableResourceMappings["cpu"].multiplier = base::Quantity::decimal(2);
  EXPECT_NE(sent, stored);
  stored = sent;
  stored.taints[0].effect = "None";
  EXPECT_NE(sent, stored);
}

TEST(ServerVersionJson, MajorAndMinorAreNumbersInText) {
  EXPECT_THAT(serverVersionFromJson(parsed(R"({"major":"1","minor":"36","gitVersion":"v1.36.3"})")),
              IsOkAndHolds(ServerVersion{1, 36}));
  EXPECT_THAT(serverVersionFromJson(parsed(R"({"major":"1","minor":"34+"})")), IsOkAndHolds(ServerVersion{1, 34}));
  EXPECT_THAT(serverVersionFromJson(parsed(R"({"major":"1"})")), Fails(Code::dataLoss, HasSubstr("minor: expected")));
  EXPECT_THAT(serverVersionFromJson(parsed(R"({"major":1,"minor":"36"})")), Fails(Code::dataLoss, HasSubstr("major")));
}

TEST(ResourceClaimJson, AnAllocatedClaimIsRead) {
  auto claim = resourceClaimFromJson(parsed(R"({
    "metadata":{"name":"c","namespace":"ns","uid":"u"},
    "status":{"allocation":{"devices":{
        "results":[{"request":"b/s","driver":"gpu.example.com","pool":"node0","device":"gpu-0","adminAccess":true,
                    "shareID":"aaaaaaaa-0000-4000-8000-000000000001","consumedCapacity":{"memory":"1Gi"}},
                   {"request":"a","driver":"d","pool":"p","device":"x","adminAccess":null}],
        "config":[{"source":"FromClass","requests":["b/s"],"opaque":{"driver":"gpu.example.com","parameters":{"x":1}}},
                  {"source":"FromClaim"}]}},
      "reservedFor":[{"resource":"pods","name":"p","uid":"pu"}]}})"));
  ASSERT_OK(claim);
  EXPECT_EQ(claim->metadata.space, "ns");
  ASSERT_TRUE(claim->allocation);
  const auto& result = claim->allocation->results.at(0);
  EXPECT_EQ(result.request, "b/s");
  EXPECT_TRUE(result.adminAccess);
  EXPECT_EQ(result.shareId, "aaaaaaaa-0000-4000-8000-000000000001");
  EXPECT_EQ(result.consumedCapacity.at("memory").toString(), "1Gi");
  EXPECT_FALSE(claim->allocation->results.at(1).adminAccess);
  const auto& config = claim->allocation->config;
  EXPECT_TRUE(config.at(0).hasOpaque);
  EXPECT_EQ(config.at(0).parameters, json({{"x", 1}}));
  EXPECT_THAT(config.at(0).requests, ElementsAre("b/s"));
  EXPECT_FALSE(config.at(1).hasOpaque);
  EXPECT_EQ(claim->reservedFor.at(0).uid, "pu");
}

TEST(ResourceClaimJson, AClaimWithoutAllocationHasNone) {
  auto claim = resourceClaimFromJson(parsed(R"({"metadata":{"name":"c"},"status":{}})"));
  ASSERT_OK(claim);
  EXPECT_FALSE(claim->allocation);
}

TEST(ResourceClaimJson, BindingConditionsAndTheStatusOfDevicesAreRead) {
  auto claim = resourceClaimFromJson(parsed(R"({"metadata":{"name":"c"},"status":{
    "allocation":{"devices":{"results":[{"driver":"d","pool":"p","device":"gpu-0","shareID":"s",
                                         "bindingConditions":["A"],"bindingFailureConditions":["B"]}]}},
    "devices":[{"driver":"d","pool":"p","device":"gpu-0","shareID":"s","data":{"a":1},
                "conditions":[{"type":"A","status":"True","reason":"Ready","message":"m","observedGeneration":3,
                               "lastTransitionTime":"2026-01-01T00:00:00Z"}]},
               {"driver":"e","pool":"p","device":"nic-0","conditions":null,"networkData":{"ips":["10.0.0.1/24"]}}]}})"));
  ASSERT_OK(claim);
  const auto& result = claim->allocation->results.at(0);
  EXPECT_THAT(result.bindingConditions, ElementsAre("A"));
  EXPECT_THAT(result.bindingFailureConditions, ElementsAre("B"));
  ASSERT_THAT(claim->devices, SizeIs(2));
  EXPECT_TRUE(claim->devices[0].isAbout(result));
  EXPECT_FALSE(claim->devices[1].isAbout(result));
  EXPECT_TRUE(claim->devices[1].data.is_null());
  EXPECT_EQ(toJson(claim->devices[0]), parsed(R"({"driver":"d","pool":"p","device":"gpu-0","shareID":"s",
    "data":{"a":1},"conditions":[{"type":"A","status":"True","reason":"Ready","message":"m","observedGeneration":3,
                                  "lastTransitionTime":"2026-01-01T00:00:00Z"}]})"));
}

TEST(ResourceClaimJson, AWrongTypeInAResultIsNamedWithItsPath) {
  auto document = parsed(R"({"status":{"allocation":{"devices":{"results":[{"consumedCapacity":{"m":true}}]}}}})");
  EXPECT_THAT(resourceClaimFromJson(document),
              Fails(Code::dataLoss, HasSubstr("status.allocation.devices.results[0].consumedCapacity.m: expected a "
                                              "string, found a boolean")));
}

TEST(NodeJson, TheIdentityIsRead) {
  auto node = nodeFromJson(parsed(R"({"metadata":{"name":"n","uid":"u"},"status":{"x":1}})"));
  ASSERT_OK(node);
  EXPECT_EQ(node->metadata.uid, "u");
  EXPECT_THAT(nodeFromJson(parsed(R"({"metadata":{"uid":1}})")), Fails(Code::dataLoss, HasSubstr("metadata.uid")));
}

TEST(EventJson, AnEventIsNamedAfterItsObjectAndTime) {
  Event event;
  event.about = {"resource.k8s.io/v1", "ResourceClaim", "team-a", "train", "u-1"};
  event.type = "Warning";
  event.reason = "Refused";
  event.message = "device gpu-0 is held by another claim";
  event.component = "gpu.example.com";
  event.host = "node0";
  event.time = std::chrono::system_clock::time_point(std::chrono::nanoseconds(0x17bcfe5687e9e000));

  EXPECT_EQ(toJson(event), parsed(R"({
    "apiVersion":"v1","kind":"Event",
    "metadata":{"name":"train.17bcfe5687e9e000","namespace":"team-a"},
    "involvedObject":{"apiVersion":"resource.k8s.io/v1","kind":"ResourceClaim","namespace":"team-a","name":"train",
                      "uid":"u-1"},
    "type":"Warning","reason":"Refused","message":"device gpu-0 is held by another claim",
    "source":{"component":"gpu.example.com","host":"node0"},
    "reportingComponent":"gpu.example.com","reportingInstance":"node0",
    "firstTimestamp":"2024-03-15T16:53:26Z","lastTimestamp":"2024-03-15T16:53:26Z","count":1})"));
}

TEST(EventJson, AnEventOfAClusterScopedObjectIsInDefault) {
  Event event;
  event.about = {"v1", "Node", "", "node0", "u"};
  auto document = toJson(event);
  EXPECT_EQ(document["metadata"]["namespace"], "default");
  EXPECT_FALSE(document["involvedObject"].contains("namespace"));
}

TEST(EventJson, ALongNameIsCutToWhatTheServerTakes) {
  Event event;
  event.about.name = std::string(253, 'n');
  event.time = std::chrono::system_clock::time_point(std::chrono::nanoseconds(0x17bcfe5687e9e000));
  auto name = toJson(event)["metadata"]["name"].get<std::string>();
  EXPECT_EQ(name.size(), 253u);
  EXPECT_THAT(name, testing::EndsWith("n.17bcfe5687e9e000"));
}

}  // namespace
}  // namespace simgpu::kube
