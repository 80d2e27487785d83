#include "contract/contract_test.h"

/// What the server checks and changes in ResourceSlices.
namespace simgpu::contract {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class Slices : public ContractTest {
 protected:
  json withDevice(const json& device) const {
    json object = slice();
    object["spec"]["devices"] = json::array({device});
    return object;
  }

  json withDevices(int count) const {
    json object = slice();
    object["spec"]["devices"] = json::array();
    for (int i = 0; i < count; ++i) {
      object["spec"]["devices"].push_back({{"name", "gpu-" + std::to_string(i)}});
    }
    return object;
  }

  void expectInvalid(const json& object, const std::string& field, const std::string& text) {
    Answer answer = post(kSlices, object);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_EQ(answer.reason(), "Invalid");
    EXPECT_EQ(answer.field(), field) << answer.message();
    EXPECT_THAT(answer.message(), HasSubstr(text));
  }
};

TEST_F(Slices, ADriverNameIsRequiredAndShort) {
  json object = slice();
  object["spec"].erase("driver");
  expectInvalid(object, "spec.driver", "Required value");
  object["spec"]["driver"] = std::string(64, 'a');
  expectInvalid(object, "spec.driver", "may not be more than 63 bytes");
}

TEST_F(Slices, ANodeSelectionIsRequired) {
  json object = slice();
  object["spec"].erase("nodeName");
  EXPECT_EQ(post(kSlices, object).status, 422);
}

TEST_F(Slices, ThePoolNeedsACountAndAGenerationThatIsNotNegative) {
  json object = slice();
  object["spec"]["pool"]["resourceSliceCount"] = 0;
  expectInvalid(object, "spec.pool.resourceSliceCount", "must be greater than zero");
  object = slice();
  object["spec"]["pool"]["generation"] = -1;
  expectInvalid(object, "spec.pool.generation", "must be greater than or equal to zero");
}

TEST_F(Slices, ThereAreAtMost128Devices) {
  expectInvalid(withDevices(129), "spec.devices", "Too many: 129: must have at most 128 items");
  EXPECT_EQ(post(kSlices, withDevices(128)).status, 201);
}

TEST_F(Slices, ThereAreAtMost64DevicesIfOneIsTainted) {
  json object = withDevices(65);
  object["spec"]["devices"][0]["taints"] = json::array({{{"key", "a"}, {"effect", "NoSchedule"}}});

  expectInvalid(object, "spec.devices", "must have at most 64 items");
}

TEST_F(Slices, DeviceNamesAreUniqueLabels) {
  json object = withDevices(2);
  object["spec"]["devices"][1]["name"] = "gpu-0";
  expectInvalid(object, "spec.devices[1]", "Duplicate value: \"gpu-0\"");
  expectInvalid(withDevice({{"name", "GPU_0"}}), "spec.devices[0].name", "Invalid value");
}

TEST_F(Slices, AttributesHaveExactlyOneValue) {
  for (const json& value : {json::object(), json{{"int", 1}, {"bool", true}}}) {
    Answer answer = post(kSlices, withDevice({{"name", "gpu-0"}, {"attributes", {{"a", value}}}}));
    EXPECT_EQ(answer.status, 422);
    EXPECT_THAT(answer.message(), HasSubstr("exactly one value must be specified"));
  }
}

TEST_F(Slices, TextValuesHaveAtMost64BytesAndVersionsAreSemantic) {
  json longText = {{"a", {{"string", std::string(65, 'x')}}}};
  EXPECT_THAT(post(kSlices, withDevice({{"name", "gpu-0"}, {"attributes", longText}})).message(),
              HasSubstr("Too long: may not be more than 64 bytes"));
  json badVersion = {{"a", {{"version", "1.0"}}}};
  EXPECT_THAT(post(kSlices, withDevice({{"name", "gpu-0"}, {"attributes", badVersion}})).message(),
              HasSubstr("must be a string compatible with semver.org spec 2.0.0"));
}

TEST_F(Slices, AttributeNamesAreIdentifiersOf32Bytes) {
  for (const std::string& bad : {std::string("a-b"), std::string("0a"), std::string(33, 'a')}) {
    json device = {{"name", "gpu-0"}, {"attributes", {{bad, {{"int", 1}}}}}};
    EXPECT_EQ(post(kSlices, withDevice(device)).status, 422) << bad;
  }
  json device = {{"name", "gpu-0"}, {"attributes", {{"resource.kubernetes.io/pcieRoot", {{"string", "pci0000:00"}}}}}};
  EXPECT_EQ(post(kSlices, withDevice(device)).status, 201);
}

TEST_F(Slices, ADeviceHasAtMost32AttributesAndCapacities) {
  json device = {{"name", "gpu-0"}, {"capacity", {{"memory", {{"value", "1Gi"}}}}}};
  for (int i = 0; i < 32; ++i) {
    device["attributes"]["a" + std::to_string(i)] = {{"int", i}};
  }

  Answer answer = post(kSlices, withDevice(device));

  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("the total number of attributes and capacities must not exceed 32"));
}

TEST_F(Slices, DriverNodeAndPoolNameNeverChange) {
  json stored = post(kSlices, slice()).body;
  for (const char* where : {"/spec/driver", "/spec/nodeName", "/spec/pool/name"}) {
    json changed = stored;
    changed[json::json_pointer(where)] = "another";

    Answer answer = put(path(kSlices), changed);

    EXPECT_EQ(answer.status, 422) << where;
    EXPECT_THAT(answer.message(), EndsWith("field is immutable"));
  }
}

TEST_F(Slices, AllProblemsAreToldAtOnce) {
  json object = withDevice({{"name", "A"}});
  object["spec"]["pool"]["resourceSliceCount"] = 0;

  EXPECT_EQ(post(kSlices, object).body["details"]["causes"].size(), 2u);
}

TEST_F(Slices, QuantitiesAreStoredInTheirCanonicalForm) {
  const std::vector<std::pair<json, std::string>> forms = {{"1024Mi", "1Gi"},   {"1000k", "1M"}, {"0.5", "500m"},
                                                           {"1.5Gi", "1536Mi"}, {"1e3", "1e3"},  {"+5", "+5"},
                                                           {"0.0001", "100u"},  {7, "7"}};
  json device = {{"name", "gpu-0"}};
  for (std::size_t i = 0; i < forms.size(); ++i) {
    device["capacity"]["c" + std::to_string(i)] = {{"value", forms[i].first}};
  }

  json stored = post(kSlices, withDevice(device)).body;

  for (std::size_t i = 0; i < forms.size(); ++i) {
    EXPECT_EQ(stored["spec"]["devices"][0]["capacity"]["c" + std::to_string(i)]["value"], forms[i].second);
  }
}

TEST_F(Slices, WhatIsNoQuantityIsABadRequest) {
  for (const char* text : {"", "12abc"}) {
    Answer answer = post(kSlices, withDevice({{"name", "gpu-0"}, {"capacity", {{"memory", {{"value", text}}}}}}));

    EXPECT_EQ(answer.status, 400) << text;
    EXPECT_THAT(answer.message(), HasSubstr("quantities must match the regular expression"));
  }
}

TEST_F(Slices, ATaintGetsTheTimeOfItsArrival) {
  json device = {{"name", "gpu-0"}, {"taints", json::array({{{"key", "a"}, {"effect", "NoSchedule"}}})}};

  json stored = post(kSlices, withDevice(device)).body;

  EXPECT_THAT(stored["spec"]["devices"][0]["taints"][0]["timeAdded"].get<std::string>(), EndsWith("Z"));
}

TEST_F(Slices, ARequestPolicyHasToFitItsCapacity) {
  char suffix = 'a';
  auto answerTo = [&](const std::string& value, const json& policy) {
    json object = slice(std::string(1, suffix++));
    json capacity = {{"memory", {{"value", value}, {"requestPolicy", policy}}}};
    object["spec"]["devices"] =
        json::array({{{"name", "gpu-0"}, {"allowMultipleAllocations", true}, {"capacity", capacity}}});
    return post(kSlices, object);
  };
  json range = {{"default", "80Gi"}, {"validRange", {{"min", "1Gi"}, {"max", "80Gi"}, {"step", "1Gi"}}}};
  EXPECT_EQ(answerTo("80Gi", range).status, 201);
  EXPECT_EQ(answerTo("8", {{"default", "1"}, {"validValues", {"1", "8"}}}).status, 201);

  EXPECT_THAT(answerTo("2560Mi", {{"default", "2560Mi"}, {"validRange", {{"min", "1Gi"}, {"step", "1Gi"}}}}).message(),
              HasSubstr("value is not a multiple of a given step (1Gi) from (1Gi)"));
  EXPECT_THAT(answerTo("1", {{"default", "1"}, {"validRange", {{"min", "1"}, {"step", "1"}}}}).message(),
              HasSubstr("is larger than capacity value"));
  EXPECT_EQ(answerTo("40Gi", range).status, 422);
  EXPECT_EQ(answerTo("80Gi", {{"validRange", {{"min", "1Gi"}}}}).status, 422);
  EXPECT_EQ(answerTo("8", {{"default", "2"}, {"validValues", {"1", "8"}}}).status, 422);
}

TEST_F(Slices, CountersAndDevicesAreInDifferentSlices) {
  json sets = json::array();
  for (int i = 0; i < 9; ++i) {
    sets.push_back({{"name", "c" + std::to_string(i)}, {"counters", {{"memory", {{"value", "80Gi"}}}}}});
  }
  json object = slice("a");
  object["spec"].erase("devices");
  object["spec"]["sharedCounters"] = sets;
  expectInvalid(object, "spec.sharedCounters", "must have at most 8 items");

  sets.erase(8);
  object["spec"]["sharedCounters"] = sets;
  EXPECT_EQ(post(kSlices, object).status, 201);
  object["metadata"] = slice("b")["metadata"];
  object["spec"]["devices"] = json::array({{{"name", "gpu-0"}}});
  EXPECT_EQ(post(kSlices, object).status, 422);
}

TEST_F(Slices, AnAttributeThatIsAListIsRefusedWhereItsFeatureGateIsOff) {
  Answer answer = post(kSlices, withDevice({{"name", "gpu-0"}, {"attributes", {{"a", {{"strings", {"x"}}}}}}}));
  if (standin() == nullptr && answer.status == 201) {
    GTEST_SKIP() << "the gate DRAListTypeAttributes is on";
  }
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("exactly one value must be specified"));
}

}  // namespace
}  // namespace simgpu::contract
