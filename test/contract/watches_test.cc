#include "contract/contract_test.h"

/// Watches: what they start with, what they send, how they end and resume.
namespace simgpu::contract {
namespace {

using testing::HasSubstr;

class Watches : public ContractTest {
 protected:
  std::string mine(const std::string& more = "") const {
    return std::string(kSlices) + "?watch=1&fieldSelector=spec.nodeName%3D" + node() + more;
  }
  std::string listVersion() { return versionOf(get(kSlices).body); }
  static std::string nameIn(const json& event) { return event["object"]["metadata"]["name"]; }
};

TEST_F(Watches, AnUnknownFieldIsABadRequest) {
  auto events = watch(std::string(kSlices) + "?watch=1&fieldSelector=spec.x%3Dy");

  EXPECT_EQ(events.next()["object"]["code"], 400);
}

TEST_F(Watches, AVersionThatWasCompactedIsExpiredInTheStream) {
  if (standin() == nullptr) {
    GTEST_SKIP() << "only the stand-in compacts on demand";
  }
  std::string before = listVersion();
  post(kSlices, slice());
  standin()->compact();

  auto events = watch(mine("&resourceVersion=" + before));
  json event = events.next();

  EXPECT_EQ(event["type"], "ERROR");
  EXPECT_EQ(event["object"]["code"], 410);
  EXPECT_EQ(event["object"]["reason"], "Expired");
  EXPECT_THAT(event["object"]["message"].get<std::string>(), HasSubstr("too old resource version: " + before));
  EXPECT_EQ(events.next(), nullptr);
}

TEST_F(Watches, WithoutVersionWhatExistsComesFirst) {
  post(kSlices, slice("a"));

  auto events = watch(mine());
  json event = events.next();

  EXPECT_EQ(event["type"], "ADDED");
  EXPECT_EQ(event["object"]["kind"], "ResourceSlice");
  EXPECT_EQ(nameIn(event), name("a"));
}

TEST_F(Watches, FromAListOnlyLaterChangesComeInTheirOrder) {
  post(kSlices, slice("a"));
  auto events = watch(mine("&resourceVersion=" + listVersion()));

  json object = post(kSlices, slice("b")).body;
  object["spec"]["pool"]["generation"] = 2;
  object = put(path(kSlices, "b"), object).body;
  remove(path(kSlices, "b"));

  json added = events.next();
  EXPECT_EQ(added["type"], "ADDED");
  EXPECT_EQ(nameIn(added), name("b"));
  json modified = events.next();
  EXPECT_EQ(modified["type"], "MODIFIED");
  EXPECT_EQ(versionOf(modified["object"]), versionOf(object));
  json deleted = events.next();
  EXPECT_EQ(deleted["type"], "DELETED");
  EXPECT_EQ(deleted["object"]["spec"]["pool"]["generation"], 2);
  EXPECT_NE(versionOf(deleted["object"]), versionOf(object));
}

TEST_F(Watches, OtherNodesAreNotSeen) {
  auto events = watch(mine("&resourceVersion=" + listVersion()));
  json elsewhere = slice("a");
  elsewhere["spec"]["nodeName"] = name("elsewhere");
  post(kSlices, elsewhere);
  post(kSlices, slice("b"));

  EXPECT_EQ(nameIn(events.next()), name("b"));
}

TEST_F(Watches, AWatchEndsAfterItsTimeAndGoesOnFromTheLastEvent) {
  auto first = watch(mine("&timeoutSeconds=1&resourceVersion=" + listVersion()));
  post(kSlices, slice("a"));
  json last = first.next();
  EXPECT_EQ(first.next(), nullptr);
  post(kSlices, slice("b"));

  auto second = watch(mine("&resourceVersion=" + versionOf(last["object"])));

  EXPECT_EQ(nameIn(second.next()), name("b"));
}

TEST_F(Watches, InitialEventsEndWithAMarkedBookmark) {
  post(kSlices, slice("a"));

  auto events = watch(mine("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"));

  EXPECT_EQ(events.next()["type"], "ADDED");
  json bookmark = events.next();
  EXPECT_EQ(bookmark["type"], "BOOKMARK");
  EXPECT_EQ(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

TEST_F(Watches, InitialEventsNeedAVersionMatch) {
  auto events = watch(mine("&sendInitialEvents=true&allowWatchBookmarks=true"));

  EXPECT_EQ(events.next()["object"]["code"], 422);
}

TEST_F(Watches, AVersionThatIsNoNumberIsAnError) {
  auto events = watch(mine("&resourceVersion=abc"));

  EXPECT_EQ(events.next()["object"]["code"], 500);
}

}  // namespace
}  // namespace simgpu::contract
