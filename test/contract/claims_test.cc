#include "contract/contract_test.h"
#include "kube/protobuf_decode.h"
#include "simgpu/kube/json.h"

/// ResourceClaims: the split of spec and status, and what may change.
namespace simgpu::contract {
namespace {

using testing::HasSubstr;

class Claims : public ContractTest {
 protected:
  json allocatedClaim() {
    json object = post(kClaims, claim()).body;
    object["status"] = allocatedStatus();
    Answer answer = put(path(kClaims) + "/status", object);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body;
  }
};

TEST_F(Claims, ARequestNeedsAClass) {
  json object = claim();
  object["spec"]["devices"]["requests"][0]["exactly"].erase("deviceClassName");

  Answer answer = post(kClaims, object);

  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.field(), "spec.devices.requests[0].exactly.deviceClassName");
}

TEST_F(Claims, RequestsAskForOneDeviceUnlessTheySayOtherwise) {
  json exactly = post(kClaims, claim()).body["spec"]["devices"]["requests"][0]["exactly"];

  EXPECT_EQ(exactly["allocationMode"], "ExactCount");
  EXPECT_EQ(exactly["count"], 1);
}

TEST_F(Claims, AClaimSaysTheSameInProtobufAndInJson) {
  json object = claim();
  object["metadata"]["annotations"] = {{"example.com/why", "a test"}};
  object = post(kClaims, object).body;
  object["status"] = allocatedStatus();
  json parameters = {{"kind", "GpuConfig"}, {"list", {1, 2.5, nullptr, "\u00fc"}}};
  object["status"]["allocation"]["devices"]["config"] = json::array(
      {{{"source", "FromClaim"}, {"opaque", {{"driver", "contract.example.com"}, {"parameters", parameters}}}}});
  ASSERT_EQ(put(path(kClaims) + "/status", object).status, 200);

  const std::string body = getProtobuf(path(kClaims)).body;
  ASSERT_TRUE(kube::isProtobuf(body)) << body;
  auto fromProtobuf = kube::resourceClaimFromProtobuf(body);
  auto fromJson = kube::resourceClaimFromJson(get(path(kClaims)).body);
  ASSERT_OK(fromProtobuf);
  ASSERT_OK(fromJson);
  EXPECT_EQ(*fromProtobuf, *fromJson);
}

TEST_F(Claims, AClaimThatIsMissingIsToldOfInProtobuf) {
  auto response = getProtobuf(path(kClaims));
  EXPECT_EQ(response.status, 404);
  auto status = kube::apiStatusFromProtobuf(response.body);
  ASSERT_TRUE(status) << response.body;
  EXPECT_EQ(status->code, 404);
  EXPECT_EQ(status->reason, "NotFound");
  EXPECT_TRUE(status->namesObject);
}

TEST_F(Claims, TheSpecNeverChanges) {
  json object = post(kClaims, claim()).body;
  object["spec"]["devices"]["requests"][0]["exactly"]["count"] = 2;

  Answer answer = put(path(kClaims), object);

  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("field is immutable"));
}

TEST_F(Claims, TheStatusOfTheMainResourceIsIgnored) {
  json object = claim();
  object["status"] = allocatedStatus();
  json created = post(kClaims, object).body;
  EXPECT_FALSE(created.contains("/status/allocation"_json_pointer));

  created["status"] = allocatedStatus();
  EXPECT_FALSE(put(path(kClaims), created).body.contains("/status/allocation"_json_pointer));
}

TEST_F(Claims, TheRestOfTheStatusResourceIsIgnored) {
  json object = post(kClaims, claim()).body;
  object["status"] = allocatedStatus();
  object["spec"]["devices"]["requests"][0]["exactly"]["count"] = 2;
  object["metadata"]["labels"] = {{"a", "b"}};

  json stored = put(path(kClaims) + "/status", object).body;

  EXPECT_EQ(stored["spec"]["devices"]["requests"][0]["exactly"]["count"], 1);
  EXPECT_FALSE(stored["metadata"].contains("labels"));
  EXPECT_EQ(stored["status"]["allocation"]["devices"]["results"][0]["device"], "gpu-0");
}

TEST_F(Claims, AnOldStatusIsAConflict) {
  json object = post(kClaims, claim()).body;
  object["status"] = allocatedStatus();
  put(path(kClaims) + "/status", object);

  EXPECT_EQ(put(path(kClaims) + "/status", object).status, 409);
}

TEST_F(Claims, AnAllocationIsNotChangedButCleared) {
  json object = allocatedClaim();
  json changed = object;
  changed["status"]["allocation"]["devices"]["results"][0]["device"] = "gpu-1";
  EXPECT_EQ(put(path(kClaims) + "/status", changed).status, 422);

  object["status"].erase("allocation");
  json cleared = put(path(kClaims) + "/status", object).body;
  EXPECT_FALSE(cleared.contains("/status/allocation"_json_pointer));
}

TEST_F(Claims, TheStatusOfADeviceGoesWithItsAllocation) {
  json object = allocatedClaim();
  json entry = {{"driver", "contract.example.com"}, {"pool", node()}, {"device", "gpu-0"}, {"data", {{"a", 1}}}};
  object["status"]["devices"] = json::array({entry});
  object = put(path(kClaims) + "/status", object).body;
  ASSERT_EQ(object["status"]["devices"].size(), 1u) << object;

  object["status"].erase("allocation");
  json cleared = put(path(kClaims) + "/status", object).body;

  EXPECT_FALSE(cleared.contains("/status/devices"_json_pointer));
}

TEST_F(Claims, OnlyAllocatedDevicesHaveAStatus) {
  json object = allocatedClaim();
  json entry = {{"driver", "contract.example.com"}, {"pool", node()}, {"device", "gpu-1"}};
  object["status"]["devices"] = json::array({entry});

  Answer answer = put(path(kClaims) + "/status", object);

  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("must be an allocated device in the claim"));
}

TEST_F(Claims, AMergePatchOfTheStatusReplacesLists) {
  json object = allocatedClaim();
  json patch = {{"status", {{"reservedFor", json::array({{{"resource", "pods"}, {"name", "p"}, {"uid", "u"}}})}}}};

  Answer answer = send("PATCH", path(kClaims) + "/status", patch, "application/merge-patch+json");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["status"]["reservedFor"].size(), 1u);
  EXPECT_EQ(answer.body["status"]["allocation"], object["status"]["allocation"]);
}

TEST_F(Claims, AMergePatchOfAnOldStateIsAConflict) {
  std::string old = versionOf(post(kClaims, claim()).body);
  json object = get(path(kClaims)).body;
  object["metadata"]["labels"] = {{"a", "b"}};
  put(path(kClaims), object);

  json patch = {{"metadata", {{"resourceVersion", old}}}, {"status", allocatedStatus()}};
  EXPECT_EQ(send("PATCH", path(kClaims) + "/status", patch, "application/merge-patch+json").status, 409);
}

TEST_F(Claims, AdminAccessNeedsANamespaceThatAllowsIt) {
  json object = claim();
  object["spec"]["devices"]["requests"][0]["exactly"]["adminAccess"] = true;

  Answer answer = post(kClaims, object);

  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("resource.kubernetes.io/admin-access"));
}

TEST_F(Claims, AClaimIsSeenInItsNamespaceAndInAll) {
  post(kClaims, claim());

  EXPECT_EQ(get(std::string(kClaims) + "?fieldSelector=metadata.name%3D" + name()).body["items"].size(), 1u);
  EXPECT_EQ(get("/apis/resource.k8s.io/v1/resourceclaims?fieldSelector=metadata.name%3D" + name()).body["items"].size(),
            1u);
}

}  // namespace
}  // namespace simgpu::contract
