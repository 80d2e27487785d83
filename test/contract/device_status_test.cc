#include "contract/contract_test.h"

/// `status.devices` of claims, which several parties write with server-side apply.
namespace simgpu::contract {
namespace {

using testing::HasSubstr;

constexpr const char* kApplyPatch = "application/apply-patch+yaml";
constexpr const char* kDriver = "contract.example.com";
constexpr const char* kOther = "other.example.com";
constexpr const char* kShare = "aaaaaaaa-0000-4000-8000-000000000001";

class DeviceStatus : public ContractTest {
 protected:
  json result(const char* driver, const char* device = "gpu-0") const {
    return {{"request", "gpu"}, {"driver", driver}, {"pool", node()}, {"device", device}};
  }

  json entry(const char* driver, const json& more, const char* device = "gpu-0") const {
    json status = {{"driver", driver}, {"pool", node()}, {"device", device}};
    status.update(more);
    return status;
  }

  static json condition(const char* type, const char* status = "True") {
    return {{"type", type},
            {"status", status},
            {"reason", "Ready"},
            {"message", ""},
            {"lastTransitionTime", "2026-01-01T00:00:00Z"}};
  }

  static json conditions(const json& condition) { return {{"conditions", json::array({condition})}}; }

  json allocatedClaim(const std::vector<json>& results) {
    json object = post(kClaims, claim()).body;
    object["status"] = {{"allocation", {{"devices", {{"results", results}}}}}};
    Answer answer = put(path(kClaims) + "/status", object);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body;
  }

  Answer apply(const std::string& manager, const std::vector<json>& entries, const json& metadata = json::object(),
               bool force = false) {
    json patch = {{"apiVersion", "resource.k8s.io/v1"},
                  {"kind", "ResourceClaim"},
                  {"metadata", {{"name", name()}, {"namespace", "default"}}},
                  {"status", {{"devices", entries}}}};
    patch["metadata"].update(metadata);
    std::string query = manager.empty() ? "" : "?fieldManager=" + manager + (force ? "&force=true" : "");
    return send("PATCH", path(kClaims) + "/status" + query, patch, kApplyPatch);
  }

  json devices() { return get(path(kClaims)).body.value("/status/devices"_json_pointer, json::array()); }

  /// The entry of a driver; null if there is none.
  json statusOf(const char* driver) {
    for (const json& each : devices()) {
      if (each["driver"] == driver) {
        return each;
      }
    }
    return nullptr;
  }
};

TEST_F(DeviceStatus, AManagerIsNeeded) {
  allocatedClaim({result(kDriver)});
  Answer answer = apply("", {});
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("is required for apply patch"));
}

TEST_F(DeviceStatus, AClaimThatDoesNotExistIsNotCreated) {
  EXPECT_EQ(apply("a", {}).status, 404);
}

TEST_F(DeviceStatus, AnotherUidIsRefused) {
  allocatedClaim({result(kDriver)});
  json metadata = {{"uid", "00000000-0000-4000-8000-000000000000"}};

  Answer answer = apply("a", {entry(kDriver, {{"data", {{"a", 1}}}})}, metadata, true);

  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.field(), "metadata.uid");
}

TEST_F(DeviceStatus, OnlyAllocatedDevicesAreApplied) {
  allocatedClaim({result(kDriver)});
  Answer answer = apply("a", {entry(kDriver, {{"data", {{"a", 1}}}}, "gpu-1")});
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("must be an allocated device in the claim"));
}

TEST_F(DeviceStatus, TwoEntriesOfOneDeviceAreRefused) {
  allocatedClaim({result(kDriver)});
  Answer answer = apply("a", {entry(kDriver, {{"data", {{"a", 1}}}}), entry(kDriver, {{"data", {{"a", 2}}}})});
  EXPECT_GE(answer.status, 400);
  EXPECT_THAT(answer.message(), HasSubstr("duplicate entries for key"));
}

TEST_F(DeviceStatus, AConditionNeedsATimeAndAReason) {
  allocatedClaim({result(kDriver)});
  json incomplete = condition("Ready");
  incomplete.erase("reason");
  incomplete.erase("lastTransitionTime");

  Answer answer = apply("a", {entry(kDriver, conditions(incomplete))});

  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("status.devices[0].conditions[0].lastTransitionTime"));
  EXPECT_THAT(answer.message(), HasSubstr("status.devices[0].conditions[0].reason"));
}

TEST_F(DeviceStatus, EachManagerHasItsOwnEntries) {
  allocatedClaim({result(kDriver), result(kOther)});
  ASSERT_EQ(apply("a", {entry(kDriver, {{"data", {{"a", 1}}}})}).status, 200);
  ASSERT_EQ(apply("b", {entry(kOther, {{"data", {{"b", 1}}}})}).status, 200);
  EXPECT_EQ(devices().size(), 2u);

  EXPECT_EQ(apply("a", {}).status, 200);

  EXPECT_EQ(statusOf(kDriver), nullptr) << "what is not applied again disappears";
  EXPECT_EQ(statusOf(kOther)["data"], json({{"b", 1}}));
}

TEST_F(DeviceStatus, DataAndConditionsOfOneEntryHaveManagersOfTheirOwn) {
  allocatedClaim({result(kDriver)});
  ASSERT_EQ(apply("plugin", {entry(kDriver, {{"data", {{"a", 1}}}})}).status, 200);
  ASSERT_EQ(apply("controller", {entry(kDriver, conditions(condition("Ready")))}).status, 200);
  ASSERT_EQ(apply("plugin", {entry(kDriver, {{"data", {{"a", 2}}}})}).status, 200);

  json both = statusOf(kDriver);
  EXPECT_EQ(both["data"], json({{"a", 2}}));
  EXPECT_EQ(both["conditions"][0]["type"], "Ready");

  ASSERT_EQ(apply("plugin", {}).status, 200);
  json rest = statusOf(kDriver);
  EXPECT_TRUE(rest.value("data", json()).is_null()) << rest;
  EXPECT_EQ(rest["conditions"][0]["type"], "Ready");
}

TEST_F(DeviceStatus, ConditionsMergeByType) {
  allocatedClaim({result(kDriver)});
  ASSERT_EQ(apply("a", {entry(kDriver, conditions(condition("A")))}).status, 200);
  ASSERT_EQ(apply("b", {entry(kDriver, conditions(condition("B", "False")))}).status, 200);

  EXPECT_EQ(statusOf(kDriver)["conditions"].size(), 2u);
}

TEST_F(DeviceStatus, AnotherManagersValueIsAConflictUnlessForced) {
  allocatedClaim({result(kDriver)});
  ASSERT_EQ(apply("a", {entry(kDriver, {{"data", {{"a", 1}}}})}).status, 200);
  std::vector<json> wanted = {entry(kDriver, {{"data", {{"a", 2}}}})};

  Answer refused = apply("b", wanted);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.message(), HasSubstr("Apply failed with 1 conflict: conflict with \"a\""));

  EXPECT_EQ(apply("b", wanted, json::object(), true).status, 200);
  EXPECT_EQ(statusOf(kDriver)["data"], json({{"a", 2}}));
}

TEST_F(DeviceStatus, ApplyingTheSameAgainChangesNothing) {
  allocatedClaim({result(kDriver)});
  std::vector<json> entries = {entry(kDriver, {{"data", {{"a", 1}}}})};
  json first = apply("a", entries).body;
  EXPECT_EQ(versionOf(apply("a", entries).body), versionOf(first));
}

TEST_F(DeviceStatus, WhatAPutWroteSurvivesAnApply) {
  json object = allocatedClaim({result(kDriver), result(kOther)});
  object["status"]["devices"] = json::array({entry(kOther, {{"data", {{"b", 1}}}})});
  ASSERT_EQ(put(path(kClaims) + "/status", object).status, 200);

  ASSERT_EQ(apply("a", {entry(kDriver, {{"data", {{"a", 1}}}})}).status, 200);

  EXPECT_EQ(statusOf(kOther)["data"], json({{"b", 1}}));
  EXPECT_EQ(statusOf(kDriver)["data"], json({{"a", 1}}));
}

TEST_F(DeviceStatus, SharesOfOneDeviceHaveEntriesOfTheirOwn) {
  json shared = result(kDriver);
  shared["shareID"] = kShare;
  json object = allocatedClaim({shared});
  if (!object["status"]["allocation"]["devices"]["results"][0].contains("shareID")) {
    GTEST_SKIP() << "this server has no shares";
  }

  EXPECT_EQ(apply("a", {entry(kDriver, {{"data", {{"a", 1}}}})}).status, 422) << "the share ID is missing";
  EXPECT_EQ(apply("a", {entry(kDriver, {{"shareID", kShare}, {"data", {{"a", 1}}}})}).status, 200);
  EXPECT_EQ(statusOf(kDriver)["shareID"], kShare);
}

}  // namespace
}  // namespace simgpu::contract
