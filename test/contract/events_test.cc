#include "contract/contract_test.h"

/// core/v1 Events, as far as a driver writes them.
namespace simgpu::contract {
namespace {

using testing::HasSubstr;

class Events : public ContractTest {
 protected:
  json event(const std::string& space) const {
    json about = {{"kind", "Node"}, {"name", node()}, {"namespace", space}};
    if (space.empty()) {
      about.erase("namespace");
    }
    return {{"metadata", {{"name", name()}}}, {"involvedObject", about}, {"reason", "Test"}, {"type", "Normal"}};
  }
};

TEST_F(Events, AnEventLivesInTheNamespaceOfItsObject) {
  Answer answer = post(kEvents, event("elsewhere"));

  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.message(), HasSubstr("does not match event.namespace"));
}

TEST_F(Events, EventsOfClusterScopedObjectsLiveInDefault) {
  EXPECT_EQ(post(kEvents, event("")).status, 201);
}

TEST_F(Events, EventsAreSelectedByTheirObject) {
  post(kEvents, event(""));

  Answer answer = get(std::string(kEvents) + "?fieldSelector=involvedObject.name%3D" + node());

  ASSERT_EQ(answer.body["items"].size(), 1u);
  EXPECT_EQ(answer.body["items"][0]["reason"], "Test");
}

TEST_F(Events, AMergePatchCountsAnEventUp) {
  std::string name = post(kEvents, event("")).body["metadata"]["name"];
  json patch = {{"count", 2}, {"lastTimestamp", "2026-01-01T00:01:10Z"}};

  Answer answer = send("PATCH", std::string(kEvents) + "/" + name, patch, "application/merge-patch+json");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["count"], 2);
  EXPECT_EQ(answer.body["lastTimestamp"], "2026-01-01T00:01:10Z");
  EXPECT_EQ(answer.body["reason"], "Test");
}

TEST_F(Events, AMergePatchOfAnEventThatIsGoneIsNotFound) {
  json patch = {{"count", 2}};
  EXPECT_EQ(send("PATCH", std::string(kEvents) + "/" + name(), patch, "application/merge-patch+json").status, 404);
}

}  // namespace
}  // namespace simgpu::contract
