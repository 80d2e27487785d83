#include "contract/contract_test.h"

/// How single objects are created, replaced and deleted.
namespace simgpu::contract {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

using Objects = ContractTest;

TEST_F(Objects, WhatIsMissingIsNotFoundByName) {
  Answer answer = get(path(kSlices));

  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.reason(), "NotFound");
  EXPECT_EQ(answer.message(), "resourceslices.resource.k8s.io \"" + name() + "\" not found");
  EXPECT_EQ(answer.body["details"], json({{"name", name()}, {"group", "resource.k8s.io"}, {"kind", "resourceslices"}}));
}

TEST_F(Objects, AnUnservedVersionIsNotFoundWithoutName) {
  Answer answer = get("/apis/resource.k8s.io/v1alpha1/resourceslices/x");

  EXPECT_EQ(answer.status, 404);
  EXPECT_FALSE(answer.body.contains("/details/name"_json_pointer));
}

TEST_F(Objects, CreationFillsInIdentity) {
  Answer answer = post(kSlices, slice());

  EXPECT_EQ(answer.status, 201);
  const json& metadata = answer.body["metadata"];
  EXPECT_EQ(metadata["uid"].get<std::string>().size(), 36u);
  EXPECT_THAT(metadata["creationTimestamp"].get<std::string>(), MatchesRegex("....-..-..T..:..:..Z"));
  EXPECT_FALSE(versionOf(answer.body).empty());
  EXPECT_EQ(metadata["generation"], 1);
  EXPECT_EQ(get(path(kSlices)).body, answer.body);
}

TEST_F(Objects, AGeneratedNameAddsFiveCharacters) {
  json object = slice();
  object["metadata"] = {{"generateName", name("gen-")}};

  Answer answer = post(kSlices, object);

  std::string given = answer.body["metadata"]["name"];
  EXPECT_EQ(given.substr(0, given.size() - 5), name("gen-"));
}

TEST_F(Objects, WithoutAnyNameTheObjectIsInvalid) {
  json object = slice();
  object["metadata"] = json::object();

  Answer answer = post(kSlices, object);

  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("name or generateName is required"));
}

TEST_F(Objects, ATakenNameAlreadyExists) {
  post(kSlices, slice());

  Answer answer = post(kSlices, slice());

  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.reason(), "AlreadyExists");
}

TEST_F(Objects, ReplacingAnOldStateIsAConflict) {
  json first = post(kSlices, slice()).body;
  json second = first;
  second["spec"]["pool"]["generation"] = 2;
  put(path(kSlices), second);

  first["spec"]["pool"]["generation"] = 3;
  Answer answer = put(path(kSlices), first);

  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.reason(), "Conflict");
}

TEST_F(Objects, ReplacingWithoutVersionIsUnconditional) {
  post(kSlices, slice());
  json next = slice();
  next["spec"]["pool"]["generation"] = 2;

  EXPECT_EQ(put(path(kSlices), next).status, 200);
}

TEST_F(Objects, ReplacingAnotherObjectOfTheNameIsAConflict) {
  json object = post(kSlices, slice()).body;
  object["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000";

  EXPECT_EQ(put(path(kSlices), object).status, 409);
}

TEST_F(Objects, ReplacingWhatIsMissingIsNotFound) {
  EXPECT_EQ(put(path(kSlices), slice()).status, 404);
}

TEST_F(Objects, AnEqualReplacementKeepsTheVersion) {
  json object = post(kSlices, slice()).body;

  EXPECT_EQ(versionOf(put(path(kSlices), object).body), versionOf(object));
}

TEST_F(Objects, OnlyAChangeOfTheSpecCountsTheGeneration) {
  json object = post(kSlices, slice()).body;
  object["metadata"]["labels"] = {{"a", "b"}};
  object = put(path(kSlices), object).body;
  EXPECT_EQ(object["metadata"]["generation"], 1);

  object["spec"]["pool"]["generation"] = 2;
  EXPECT_EQ(put(path(kSlices), object).body["metadata"]["generation"], 2);
}

TEST_F(Objects, AMergePatchChangesWhatItNames) {
  post(kSlices, slice());

  Answer answer =
      send("PATCH", path(kSlices), {{"metadata", {{"labels", {{"a", "b"}}}}}}, "application/merge-patch+json");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["metadata"]["labels"]["a"], "b");
  EXPECT_EQ(answer.body["spec"]["driver"], "contract.example.com");
}

TEST_F(Objects, DeletionOfAnotherUidIsAConflict) {
  post(kSlices, slice());

  Answer answer = remove(path(kSlices), {{"preconditions", {{"uid", "00000000-0000-4000-8000-000000000000"}}}});

  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.reason(), "Conflict");
  EXPECT_EQ(get(path(kSlices)).status, 200);
}

TEST_F(Objects, DeletionOfAnOldStateIsAConflict) {
  json object = post(kSlices, slice()).body;
  std::string old = versionOf(object);
  object["metadata"]["labels"] = {{"a", "b"}};
  put(path(kSlices), object);

  EXPECT_EQ(remove(path(kSlices), {{"preconditions", {{"resourceVersion", old}}}}).status, 409);
}

TEST_F(Objects, DeletionOfExactlyThisObjectSucceedsOnce) {
  json object = post(kSlices, slice()).body;
  json options = {{"kind", "DeleteOptions"},
                  {"apiVersion", "v1"},
                  {"preconditions", {{"uid", object["metadata"]["uid"]}, {"resourceVersion", versionOf(object)}}}};

  EXPECT_EQ(remove(path(kSlices), options).status, 200);
  EXPECT_EQ(remove(path(kSlices), options).status, 404);
}

TEST_F(Objects, ADryRunStoresNothing) {
  EXPECT_EQ(send("POST", std::string(kSlices) + "?dryRun=All", slice()).status, 201);
  EXPECT_EQ(get(path(kSlices)).status, 404);
}

TEST_F(Objects, AnObjectMayComeAsYaml) {
  std::string yaml = "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata:\n  name: " + name() +
                     "\nspec:\n  selectors:\n  - cel:\n      expression: \"device.driver == 'x'\"\n";

  Answer answer = send("POST", "/apis/resource.k8s.io/v1/deviceclasses", yaml, "application/yaml");
  remove("/apis/resource.k8s.io/v1/deviceclasses/" + name());

  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body["spec"]["selectors"][0]["cel"]["expression"], "device.driver == 'x'");
}

TEST_F(Objects, AnotherKindThanThePathsIsABadRequest) {
  json object = slice();
  object["kind"] = "ResourceClaim";

  EXPECT_EQ(post(kSlices, object).status, 400);
}

TEST_F(Objects, ABodyThatIsNotJsonIsABadRequest) {
  Answer answer = send("POST", kSlices, "not json");

  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.reason(), "BadRequest");
}

TEST_F(Objects, AnUnknownFormatIsRefused) {
  EXPECT_EQ(send("POST", kSlices, "a=b", "application/x-www-form-urlencoded").status, 415);
}

TEST_F(Objects, DiscoveryNamesTheVersionOfTheGroup) {
  Answer answer = get("/apis/resource.k8s.io");

  EXPECT_EQ(answer.body["kind"], "APIGroup");
  EXPECT_EQ(answer.body["preferredVersion"]["groupVersion"], "resource.k8s.io/v1");
  EXPECT_EQ(get("/version").body["major"], "1");
}

}  // namespace
}  // namespace simgpu::contract
