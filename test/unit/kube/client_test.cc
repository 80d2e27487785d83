#include "simgpu/kube/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.h"
#include "fakes/result_matchers.h"
#include "simgpu/kube/json.h"
#include "unit/kube/fake_transport.h"

namespace simgpu::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

class ClientTest : public testing::Test {
 protected:
  base::Clock::TimePoint deadline() const { return clock.now() + std::chrono::seconds(10); }

  std::vector<std::string> targets() const {
    std::vector<std::string> result;
    for (const auto& request : transport.requests) {
      result.push_back(request.method + " " + request.target);
    }
    return result;
  }

  FakeTransport transport;
  fakes::FakeClock clock;
  Client client{transport, clock, {.qps = 0, .burst = 0}, {}};
};

ResourceSlice slice(const std::string& name) {
  ResourceSlice result;
  result.metadata.name = name;
  result.driver = "gpu.example.com";
  result.nodeName = "node0";
  return result;
}

std::string listPage(const std::string& metadata, const std::vector<std::string>& names) {
  auto page = nlohmann::json::object();
  page["metadata"] = *parseJson(metadata);
  page["items"] = nlohmann::json::array();
  for (const auto& name : names) {
    page["items"].push_back(toJson(slice(name)));
  }
  return dumpJson(page);
}

constexpr const char* kList =
    "GET /apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.driver%3Dgpu.example.com%2Cspec.nodeName%3Dnode0"
    "&limit=500";

TEST_F(ClientTest, AClaimIsReadFromItsNamespaceByTheDeadline) {
  transport.answers(200, R"({"metadata":{"name":"train","namespace":"team-a","uid":"u-1"}})");
  auto until = deadline();

  auto claim = client.startGetClaim("team-a", "train", until).get();

  ASSERT_OK(claim);
  EXPECT_EQ(claim->metadata.uid, "u-1");
  EXPECT_THAT(targets(), ElementsAre("GET /apis/resource.k8s.io/v1/namespaces/team-a/resourceclaims/train"));
  EXPECT_EQ(transport.requests[0].deadline, until);
}

TEST_F(ClientTest, NamesCannotLeaveTheirSegmentOfThePath) {
  transport.answers(404, "");
  transport.answers(404, "");
  client.startGetClaim("a/b", "../c?d=e", deadline()).get();
  client.startGetClaim("..", "x y", deadline()).get();

  EXPECT_THAT(targets(), ElementsAre("GET /apis/resource.k8s.io/v1/namespaces/a%2Fb/resourceclaims/..%2Fc%3Fd%3De",
                                     "GET /apis/resource.k8s.io/v1/namespaces/%2E%2E/resourceclaims/x%20y"));
}

TEST_F(ClientTest, AnAnswerThatIsNotJsonIsAFailureThatNamesTheClaim) {
  transport.answers(200, "<html>captive portal</html>");
  EXPECT_THAT(
      client.startGetClaim("a", "b", deadline()).get(),
      Fails(Code::dataLoss, StartsWith("read ResourceClaim a/b: the API server's answer cannot be understood: ")));
}

TEST_F(ClientTest, AFailureOfTheTransportSaysWhatWasTried) {
  transport.answers(unexpected(Status::unavailable("the API server https://x cannot be reached")));
  EXPECT_THAT(client.startGetClaim("a", "b", deadline()).get(),
              Fails(Code::unavailable, "read ResourceClaim a/b: the API server https://x cannot be reached"));
}

TEST_F(ClientTest, ANodeIsRead) {
  transport.answers(200, R"({"metadata":{"name":"node0","uid":"u-1"}})");
  auto node = client.getNode("node0", deadline());
  ASSERT_OK(node);
  EXPECT_EQ(node->metadata.uid, "u-1");
  EXPECT_THAT(targets(), ElementsAre("GET /api/v1/nodes/node0"));
}

TEST_F(ClientTest, AListFollowsItsPages) {
  transport.answers(200, listPage(R"({"resourceVersion":"5","continue":"next/="})", {"a", "b"}));
  transport.answers(200, listPage(R"({"resourceVersion":"5"})", {"c"}));

  auto list = client.listSlices("gpu.example.com", "node0", deadline());

  ASSERT_OK(list);
  EXPECT_THAT(list->items, SizeIs(3));
  EXPECT_EQ(list->resourceVersion, "5");
  EXPECT_THAT(targets(), ElementsAre(kList, std::string(kList) + "&continue=next%2F%3D"));
}

TEST_F(ClientTest, AListStartsAgainWhenItsTokenExpired) {
  const auto gone = R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})";
  transport.answers(200, listPage(R"({"resourceVersion":"5","continue":"x"})", {"a"}));
  transport.answers(410, gone);
  transport.answers(200, listPage(R"({"resourceVersion":"9"})", {"b"}));

  auto list = client.listSlices("gpu.example.com", "node0", deadline());

  ASSERT_OK(list);
  ASSERT_THAT(list->items, SizeIs(1));
  EXPECT_EQ(list->items[0].metadata.name, "b");
  EXPECT_EQ(list->resourceVersion, "9");
}

TEST_F(ClientTest, AListWhoseTokensAlwaysExpireFailsInTheEnd) {
  for (int i = 0; i < 10; ++i) {
    transport.answers(200, listPage(R"({"continue":"x"})", {"a"}));
    transport.answers(410, "");
  }
  EXPECT_THAT(client.listSlices("gpu.example.com", "node0", deadline()), Fails(Code::expired, HasSubstr("410 Gone")));
}

TEST_F(ClientTest, AWrongItemOfAListIsNamed) {
  transport.answers(200, R"({"items":[{},{"spec":{"driver":1}}]})");
  EXPECT_THAT(client.listSlices("d", "n", deadline()),
              Fails(Code::dataLoss, HasSubstr("items[1]: spec.driver: expected a string, found an integer")));
}

TEST_F(ClientTest, ARightThatIsMissingForAListOfClaimsIsNamed) {
  transport.answers(403, R"({"kind":"Status","code":403,"reason":"Forbidden","message":"no"})");
  EXPECT_THAT(client.listClaims([](const ResourceClaim&) { return true; }, deadline()),
              Fails(Code::permissionDenied, HasSubstr("needs \"list\" on resourceclaims")));
}

TEST_F(ClientTest, ClaimsThatAreWantedAreTakenFromAllPagesAndThoseNobodyUnderstandsLeftOut) {
  transport.answers(200, R"({"metadata":{"continue":"x"},"items":[{"metadata":{"name":"a"}},{"metadata":7}]})");
  transport.answers(410, "");
  transport.answers(200, R"({"metadata":{"continue":"y"},"items":[{"metadata":{"name":"b"}},{"metadata":7}]})");
  transport.answers(200, R"({"metadata":{"resourceVersion":"7"},
                             "items":[{"metadata":{"name":"c"}},{"metadata":{"name":"d"}}]})");

  auto claims = client.listClaims([](const ResourceClaim& claim) { return claim.metadata.name != "c"; }, deadline());

  ASSERT_OK(claims);
  std::vector<std::string> names;
  for (const ResourceClaim& claim : claims->items) {
    names.push_back(claim.metadata.name);
  }
  EXPECT_THAT(names, ElementsAre("b", "d"));
  EXPECT_EQ(claims->resourceVersion, "7");
  EXPECT_THAT(targets(), testing::Contains("GET /apis/resource.k8s.io/v1/resourceclaims?limit=500"));
}

TEST_F(ClientTest, ASliceIsCreatedByItsGeneratedName) {
  auto wanted = slice("");
  wanted.metadata.generateName = "node0-gpu-";
  transport.answers(201, dumpJson(toJson(slice("node0-gpu-abcde"))));

  auto created = client.createSlice(wanted, deadline());

  ASSERT_OK(created);
  EXPECT_EQ(created->metadata.name, "node0-gpu-abcde");
  EXPECT_THAT(targets(), ElementsAre("POST /apis/resource.k8s.io/v1/resourceslices"));
  EXPECT_EQ(*parseJson(transport.requests[0].body), toJson(wanted));
  EXPECT_EQ(transport.requests[0].contentType, "application/json");
}

TEST_F(ClientTest, ASliceIsReplacedUnderItsName) {
  auto wanted = slice("s-1");
  wanted.metadata.resourceVersion = "4";
  transport.answers(200, dumpJson(toJson(wanted)));

  EXPECT_THAT(client.updateSlice(wanted, deadline()), IsOkAndHolds(wanted));
  EXPECT_THAT(targets(), ElementsAre("PUT /apis/resource.k8s.io/v1/resourceslices/s-1"));
  EXPECT_THAT(client.updateSlice(slice(""), deadline()), Fails(Code::invalidArgument, HasSubstr("no name")));
}

TEST_F(ClientTest, ASliceIsDeletedByItsUid) {
  ObjectMeta meta;
  meta.name = "s-1";
  meta.uid = "u-1";
  transport.answers(200, "{}");

  EXPECT_OK(client.deleteSlice(meta, deadline()));
  EXPECT_THAT(targets(), ElementsAre("DELETE /apis/resource.k8s.io/v1/resourceslices/s-1"));
  EXPECT_EQ(*parseJson(transport.requests[0].body),
            *parseJson(R"({"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"u-1"}})"));
  meta.uid.clear();
  EXPECT_THAT(client.deleteSlice(meta, deadline()), Fails(Code::invalidArgument, HasSubstr("no UID")));
}

TEST_F(ClientTest, DeletingWhatIsGoneOrReplacedIsSuccess) {
  ObjectMeta meta;
  meta.name = "s-1";
  meta.uid = "u-1";
  transport.answers(404, R"({"kind":"Status","code":404,"reason":"NotFound","details":{"name":"s-1"}})");
  transport.answers(409, R"({"kind":"Status","code":409,"reason":"Conflict","details":{"name":"s-1"},"message":
      "Precondition failed: UID in precondition: u-1, UID in object meta: u-2"})");
  transport.answers(404, "404 page not found\n");

  EXPECT_OK(client.deleteSlice(meta, deadline()));
  EXPECT_OK(client.deleteSlice(meta, deadline()));
  EXPECT_THAT(client.deleteSlice(meta, deadline()), Fails(Code::unimplemented, HasSubstr("1.34")));
}

class DeviceStatusTest : public ClientTest {
 protected:
  Result<ResourceClaim> apply() {
    const ObjectMeta claim{.name = "train", .space = "team-a", .uid = "u-1"};
    const AllocatedDeviceStatus status{
        .driver = "d", .pool = "p", .device = "gpu-0", .shareId = "s", .data = {{"uuid", 1}}};
    return client.applyDeviceStatus(claim, {status}, "d/kubelet-plugin", deadline());
  }

  Result<ResourceClaim> applyAgainst(int status, const std::string& message) {
    nlohmann::json body = {{"kind", "Status"}, {"code", status}, {"message", message}};
    body["details"]["name"] = "train";
    transport.answers(status, dumpJson(body));
    return apply();
  }
};

TEST_F(DeviceStatusTest, IsAppliedToTheStatusWithItsManagerAndTheUidOfTheClaim) {
  transport.answers(200, R"({"metadata":{"name":"train","uid":"u-1"},
                             "status":{"devices":[{"driver":"d","pool":"p","device":"gpu-0","shareID":"s",
                                                   "conditions":null,"data":{"uuid":1}}]}})");

  auto stored = apply();

  ASSERT_OK(stored);
  EXPECT_EQ(stored->devices.at(0).data["uuid"], 1);
  EXPECT_THAT(targets(), ElementsAre("PATCH /apis/resource.k8s.io/v1/namespaces/team-a/resourceclaims/train/status"
                                     "?fieldManager=d%2Fkubelet-plugin&force=true"));
  EXPECT_EQ(transport.requests[0].contentType, "application/apply-patch+yaml");
  EXPECT_EQ(*parseJson(transport.requests[0].body), *parseJson(R"({
    "apiVersion":"resource.k8s.io/v1","kind":"ResourceClaim",
    "metadata":{"name":"train","namespace":"team-a","uid":"u-1"},
    "status":{"devices":[{"driver":"d","pool":"p","device":"gpu-0","shareID":"s","data":{"uuid":1}}]}})"));
}

TEST_F(DeviceStatusTest, AClaimThatIsGoneOrReplacedIsNotFound) {
  EXPECT_EQ(applyAgainst(404, "not found").error().code(), Code::notFound);
  EXPECT_EQ(applyAgainst(422, "metadata.uid: Invalid value: \"u-1\": field is immutable").error().code(),
            Code::notFound);
}

TEST_F(DeviceStatusTest, AMissingRightIsNamedHoweverTheServerPutsIt) {
  EXPECT_THAT(applyAgainst(403, "cannot patch"),
              Fails(Code::permissionDenied, HasSubstr("needs \"patch\" on resourceclaims/status")));
  EXPECT_THAT(applyAgainst(422,
                           "status.devices: Forbidden: changing status.devices requires "
                           "resource=\"resourceclaims/driver\", verb=\"[…]\" permission: no"),
              Fails(Code::permissionDenied, HasSubstr("\"associated-node:patch\"")));
}

TEST_F(DeviceStatusTest, OtherRefusalsStayWhatTheyAre) {
  EXPECT_EQ(applyAgainst(422, "status.devices[0]: must be an allocated device").error().code(), Code::invalidArgument);
  EXPECT_EQ(applyAgainst(409, "Apply failed").error().code(), Code::conflict);
  EXPECT_EQ(applyAgainst(500, "etcd").error().code(), Code::unavailable);
}

TEST_F(ClientTest, AnEventIsCreatedInTheNamespaceOfItsObject) {
  Event event;
  event.about = {"v1", "Node", "", "node0", ""};
  transport.answers(201, "{}");
  transport.answers(201, "{}");

  EXPECT_OK(client.createEvent(event, deadline()));
  event.about.space = "team-a";
  EXPECT_OK(client.createEvent(event, deadline()));

  EXPECT_THAT(targets(),
              ElementsAre("POST /api/v1/namespaces/default/events", "POST /api/v1/namespaces/team-a/events"));
}

TEST_F(ClientTest, AnEventThatHappensAgainIsCountedUp) {
  Event event;
  event.about = {"v1", "Node", "", "node0", ""};
  EXPECT_THAT(client.repeatEvent(event, deadline()), Fails(Code::invalidArgument, HasSubstr("no name")));
  event.name = "node0.1";
  event.time = std::chrono::system_clock::time_point(std::chrono::seconds(0));
  event.lastTime = std::chrono::system_clock::time_point(std::chrono::seconds(60));
  event.count = 7;
  transport.answers(404, R"({"kind":"Status","reason":"NotFound","message":"gone","details":{"name":"node0.1"}})");
  transport.answers(200, "{}");

  EXPECT_THAT(client.repeatEvent(event, deadline()), Fails(Code::notFound, HasSubstr("patch Event")));
  EXPECT_OK(client.repeatEvent(event, deadline()));

  EXPECT_EQ(targets().back(), "PATCH /api/v1/namespaces/default/events/node0.1");
  EXPECT_EQ(transport.requests.back().contentType, "application/merge-patch+json");
  EXPECT_EQ(nlohmann::json::parse(transport.requests.back().body),
            (nlohmann::json{{"count", 7}, {"lastTimestamp", "1970-01-01T00:01:00Z"}}));
}

TEST_F(ClientTest, AWatchOfClaimsIsOneOfAllNamespaces) {
  client.watchClaims("77", [] {});
  ASSERT_THAT(targets(), SizeIs(1));
  EXPECT_THAT(targets()[0], StartsWith("GET /apis/resource.k8s.io/v1/resourceclaims?watch=1&allowWatchBookmarks=true"
                                       "&resourceVersion=77&timeoutSeconds="));
}

TEST_F(ClientTest, AWatchAsksForBookmarksAndEndsWithinTenMinutes) {
  client.watchSlices("gpu.example.com", "node0", "77", [] {});
  ASSERT_THAT(targets(), SizeIs(1));
  const auto prefix =
      "GET /apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.driver%3Dgpu.example.com%2Cspec.nodeName%3Dnode0"
      "&watch=1&allowWatchBookmarks=true&resourceVersion=77&timeoutSeconds=";
  ASSERT_THAT(targets()[0], StartsWith(prefix));
  auto seconds = std::stoi(targets()[0].substr(std::string_view(prefix).size()));
  EXPECT_GE(seconds, 300);
  EXPECT_LE(seconds, 600);
  EXPECT_GT(transport.silence.count(), seconds);
  EXPECT_GT(transport.requests[0].deadline, clock.now());
}

}  // namespace
}  // namespace simgpu::kube
