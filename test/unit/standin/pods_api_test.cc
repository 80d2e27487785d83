#include <gmock/gmock.h>

#include "fakes/fake_clock.h"
#include "fakes/result_matchers.h"
#include "simgpu/standin/api_server.h"

/// What is special about pods: binding and graceful deletion.
namespace simgpu::standin {
namespace {

using nlohmann::json;

constexpr const char* kPods = "/api/v1/namespaces/default/pods";
const std::string kPod = std::string(kPods) + "/p";

class PodsApiTest : public testing::Test {
 protected:
  PodsApiTest() {
    api.create(kPods, {{"metadata", {{"name", "p"}}}, {"spec", {{"containers", json::array()}}}}).value();
  }

  auto bind(const std::string& node) { return api.create(kPod + "/binding", {{"target", {{"name", node}}}}); }

  fakes::FakeClock clock;
  ApiServer api{clock};
};

TEST_F(PodsApiTest, ABoundPodIsNotBoundAgain) {
  ASSERT_OK(bind("node-a"));

  EXPECT_THAT(bind("node-b"), Fails(Code::conflict, testing::HasSubstr("already assigned to node \"node-a\"")));
  EXPECT_EQ(api.get(kPod)->at("spec").at("nodeName"), "node-a");
}

TEST_F(PodsApiTest, AnUnboundPodIsDeletedAtOnce) {
  ASSERT_OK(api.remove(kPod));

  EXPECT_THAT(api.get(kPod), Fails(Code::notFound, testing::_));
}

TEST_F(PodsApiTest, ABoundPodGoesOnceTheKubeletConfirmsIt) {
  ASSERT_OK(bind("node-a"));

  ASSERT_OK(api.remove(kPod));
  EXPECT_EQ(api.get(kPod)->at("metadata").at("deletionGracePeriodSeconds"), 30);

  ASSERT_OK(api.remove(kPod + "?gracePeriodSeconds=0"));
  EXPECT_FALSE(api.get(kPod));
}

TEST_F(PodsApiTest, AFinalizerKeepsAnObjectUntilItIsRemoved) {
  json object = api.get(kPod).value();
  object["metadata"]["finalizers"] = {"example.com/wait"};
  object = api.replace(kPod, object).value();

  ASSERT_OK(api.remove(kPod));
  object = api.get(kPod).value();
  EXPECT_TRUE(object["metadata"].contains("deletionTimestamp"));

  object["metadata"].erase("finalizers");
  ASSERT_OK(api.replace(kPod, object));
  EXPECT_FALSE(api.get(kPod));
}

}  // namespace
}  // namespace simgpu::standin
