#include "simgpu/standin/scheduler.h"

#include "unit/standin/kubelet_fixture.h"

namespace simgpu::standin {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kDra = "/apis/resource.k8s.io/v1";
constexpr const char* kClaims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
constexpr const char* kPods = "/api/v1/namespaces/default/pods";

class SchedulerTest : public KubeletFixture {
 protected:
  SchedulerTest() {
    api.create("/api/v1/nodes", {{"metadata", {{"name", "node-a"}}}}).value();
    deviceClass("device.driver == 'gpu.example.com'");
    json devices = json::array({{{"name", "gpu-0"}}, {{"name", "gpu-1"}}});
    api.create(std::string(kDra) + "/resourceslices",
               {{"metadata", {{"name", "s"}}},
                {"spec",
                 {{"driver", "gpu.example.com"},
                  {"nodeName", "node-a"},
                  {"pool", {{"name", "node-a"}, {"generation", 1}, {"resourceSliceCount", 1}}},
                  {"devices", devices}}}})
        .value();
  }

  void deviceClass(const std::string& expression) {
    (void)api.remove(std::string(kDra) + "/deviceclasses/gpu");
    json selector = {{"cel", {{"expression", expression}}}};
    api.create(std::string(kDra) + "/deviceclasses",
               {{"metadata", {{"name", "gpu"}}}, {"spec", {{"selectors", json::array({selector})}}}})
        .value();
  }

  static json claimSpec() {
    json request = {{"name", "r"}, {"exactly", {{"deviceClassName", "gpu"}}}};
    return {{"devices", {{"requests", json::array({request})}}}};
  }

  void createPod(const std::string& name, const json& podClaim) {
    json spec = {{"containers", json::array({{{"name", "c"}}})}, {"resourceClaims", json::array({podClaim})}};
    api.create(kPods, {{"metadata", {{"name", name}}}, {"spec", spec}}).value();
  }

  json pod(const std::string& name) { return api.get(std::string(kPods) + "/" + name).value(); }
  bool isBound(const std::string& name) { return pod(name)["spec"].contains("nodeName"); }
  json claim(const std::string& name) { return api.get(std::string(kClaims) + "/" + name).value(); }

  void start() { scheduler.emplace(*transport, clock, base::Logger()); }

  std::optional<Scheduler> scheduler;
};

TEST_F(SchedulerTest, APodThatCannotBePlacedSaysWhy) {
  deviceClass("device.attributes['x'].y == true");
  api.create(kClaims, {{"metadata", {{"name", "c"}}}, {"spec", claimSpec()}}).value();
  createPod("p", {{"name", "gpu"}, {"resourceClaimName", "c"}});
  start();

  ASSERT_TRUE(eventually([&] { return pod("p")["status"].contains("conditions"); }));
  json condition = pod("p")["status"]["conditions"][0];
  EXPECT_EQ(condition["type"], "PodScheduled");
  EXPECT_EQ(condition["reason"], "Unschedulable");
  EXPECT_THAT(condition["message"].get<std::string>(), HasSubstr("does not understand"));
  EXPECT_FALSE(isBound("p"));
}

TEST_F(SchedulerTest, APodWaitsForItsClaim) {
  createPod("p", {{"name", "gpu"}, {"resourceClaimName", "c"}});
  start();
  ASSERT_TRUE(eventually([&] { return pod("p")["status"].contains("conditions"); }));

  api.create(kClaims, {{"metadata", {{"name", "c"}}}, {"spec", claimSpec()}}).value();

  EXPECT_TRUE(eventually([&] { return isBound("p"); }));
}

TEST_F(SchedulerTest, PodsOfOneClaimShareItsDevices) {
  api.create(kClaims, {{"metadata", {{"name", "c"}}}, {"spec", claimSpec()}}).value();
  createPod("p", {{"name", "gpu"}, {"resourceClaimName", "c"}});
  createPod("q", {{"name", "gpu"}, {"resourceClaimName", "c"}});
  start();

  ASSERT_TRUE(eventually([&] { return isBound("p") && isBound("q"); }));
  json status = claim("c")["status"];
  EXPECT_EQ(status["allocation"]["devices"]["results"].size(), 1u);
  EXPECT_EQ(status["reservedFor"].size(), 2u);
}

TEST_F(SchedulerTest, AClaimIsFreeOnceItsPodsAreGone) {
  api.create(kClaims, {{"metadata", {{"name", "c"}}}, {"spec", claimSpec()}}).value();
  createPod("p", {{"name", "gpu"}, {"resourceClaimName", "c"}});
  start();
  ASSERT_TRUE(eventually([&] { return isBound("p"); }));

  ASSERT_OK(api.remove(std::string(kPods) + "/p?gracePeriodSeconds=0"));

  EXPECT_TRUE(eventually([&] { return !claim("c").contains("status"); }));
}

TEST_F(SchedulerTest, ATemplateMakesAClaimThatGoesWithItsPod) {
  api.create(std::string(kDra) + "/namespaces/default/resourceclaimtemplates",
             {{"metadata", {{"name", "t"}}}, {"spec", {{"spec", claimSpec()}}}})
      .value();
  createPod("p", {{"name", "gpu"}, {"resourceClaimTemplateName", "t"}});
  start();

  ASSERT_TRUE(eventually([&] { return isBound("p"); }));
  std::string made = pod("p")["status"]["resourceClaimStatuses"][0]["resourceClaimName"];
  EXPECT_THAT(made, StartsWith("p-gpu-"));
  json metadata = claim(made)["metadata"];
  EXPECT_EQ(metadata["annotations"]["resource.kubernetes.io/pod-claim-name"], "gpu");
  EXPECT_EQ(metadata["ownerReferences"][0]["uid"], pod("p")["metadata"]["uid"]);

  ASSERT_OK(api.remove(std::string(kPods) + "/p?gracePeriodSeconds=0"));
  EXPECT_TRUE(eventually([&] { return api.list(kClaims).empty(); }));
}

}  // namespace
}  // namespace simgpu::standin
