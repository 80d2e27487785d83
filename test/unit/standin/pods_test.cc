#include "unit/standin/kubelet_fixture.h"

/// Pods on the stand-in kubelet, from their claims to their end.
namespace simgpu::standin {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kClaims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
constexpr const char* kPods = "/api/v1/namespaces/default/pods";
constexpr const char* kEvents = "/api/v1/namespaces/default/events";

class PodsTest : public KubeletFixture {
 protected:
  PodsTest() {
    startPlugin();
    startKubelet();
    EXPECT_TRUE(kubelet->awaitPlugin("gpu.example.com"));
    write("cdi/a.yaml",
          "cdiVersion: 0.3.0\nkind: example.com/gpu\ndevices:\n- name: one\n  containerEdits:\n    env: [GPU=one]\n");
    plugin->onPrepare([](const dra::v1::NodePrepareResourcesRequest& request, TestPlugin::PrepareResponse& response) {
      for (const auto& claim : request.claims()) {
        auto* device = (*response.mutable_claims())[claim.uid()].add_devices();
        device->add_request_names("r");
        device->add_cdi_device_ids("example.com/gpu=one");
      }
      return grpc::Status::OK;
    });
    json request = {{"name", "r"}, {"exactly", {{"deviceClassName", "gpu"}}}};
    json claim = {{"metadata", {{"name", "c"}}}, {"spec", {{"devices", {{"requests", json::array({request})}}}}}};
    claimUid = api.create(kClaims, claim).value()["metadata"]["uid"];
  }

  /// A pod on this node, not yet allowed to use the claim.
  json createPod(const std::string& name, const std::string& command, const json& use = {{"name", "gpu"}}) {
    json container = {
        {"name", "main"}, {"command", {"sh", "-c", command}}, {"resources", {{"claims", json::array({use})}}}};
    json podClaim = {{"name", "gpu"}, {"resourceClaimName", "c"}};
    json spec = {
        {"nodeName", "node-a"}, {"containers", json::array({container})}, {"resourceClaims", json::array({podClaim})}};
    return api.create(kPods, {{"metadata", {{"name", name}}}, {"spec", spec}}).value();
  }

  void reserve(const std::vector<json>& pods) {
    json claim = api.get(std::string(kClaims) + "/c").value();
    json result = {{"request", "r"}, {"driver", "gpu.example.com"}, {"pool", "node-a"}, {"device", "gpu-0"}};
    claim["status"]["allocation"] = {{"devices", {{"results", json::array({result})}}}};
    claim["status"]["reservedFor"] = json::array();
    for (const json& pod : pods) {
      claim["status"]["reservedFor"].push_back(
          {{"resource", "pods"}, {"name", pod["metadata"]["name"]}, {"uid", pod["metadata"]["uid"]}});
    }
    api.replace(std::string(kClaims) + "/c/status", claim).value();
  }

  bool awaitPhase(const std::string& pod, const std::string& phase) {
    return eventually([&] {
      auto object = api.get(std::string(kPods) + "/" + pod);
      return object && (*object)["status"]["phase"] == phase;
    });
  }

  bool isGone(const std::string& pod) { return !api.get(std::string(kPods) + "/" + pod); }

  std::string log(const std::string& pod) {
    return files.read(options.logDirectory / ("default_" + pod + "_main.log")).value_or("");
  }

  std::string claimUid;
};

TEST_F(PodsTest, APodThatMayNotUseItsClaimWaitsAndSaysSo) {
  createPod("p", "true");
  reserve({});

  ASSERT_TRUE(eventually([&] { return !api.list(kEvents).empty(); }));
  json event = api.list(kEvents)[0];
  EXPECT_EQ(event["reason"], "FailedPrepareDynamicResources");
  EXPECT_THAT(event["message"].get<std::string>(),
              HasSubstr("Failed to prepare dynamic resources: prepare dynamic resources: pod p("));
  EXPECT_THAT(event["message"].get<std::string>(), HasSubstr("is not allowed to use ResourceClaim c("));
  EXPECT_TRUE(plugin->calls().empty());
}

TEST_F(PodsTest, APodWhosePrepareFailedIsTriedAgain) {
  std::atomic<bool> broken = true;
  plugin->onPrepare([&](const auto& request, TestPlugin::PrepareResponse& response) {
    (*response.mutable_claims())[request.claims(0).uid()].set_error(broken ? "broken" : "");
    return grpc::Status::OK;
  });
  reserve({createPod("p", "exit 0")});
  ASSERT_TRUE(eventually([&] { return !api.list(kEvents).empty(); }));

  broken = false;

  EXPECT_TRUE(awaitPhase("p", "Succeeded"));
}

TEST_F(PodsTest, AContainerSeesItsDevicesAndItsPodEndsUnprepared) {
  reserve({createPod("p", "echo GPU=$GPU; exit 0")});

  ASSERT_TRUE(awaitPhase("p", "Succeeded"));
  EXPECT_EQ(log("p"), "GPU=one\n");
  EXPECT_THAT(plugin->calls(), ElementsAre("+" + claimUid, "-" + claimUid));
}

TEST_F(PodsTest, AContainerOfAnotherRequestSeesNoDevice) {
  reserve({createPod("p", "echo GPU=$GPU", {{"name", "gpu"}, {"request", "other"}})});

  ASSERT_TRUE(awaitPhase("p", "Succeeded"));
  EXPECT_EQ(log("p"), "GPU=\n");
}

TEST_F(PodsTest, AFailedContainerFailsItsPod) {
  reserve({createPod("p", "exit 7")});

  ASSERT_TRUE(awaitPhase("p", "Failed"));
  json pod = api.get(std::string(kPods) + "/p").value();
  EXPECT_EQ(pod.at("/status/containerStatuses/0/state/terminated/exitCode"_json_pointer), 7);
}

TEST_F(PodsTest, ADeletedPodIsStoppedUnpreparedAndGone) {
  reserve({createPod("p", "sleep 1000")});
  ASSERT_TRUE(awaitPhase("p", "Running"));

  ASSERT_OK(api.remove(std::string(kPods) + "/p"));

  EXPECT_TRUE(eventually([&] { return isGone("p"); }));
  EXPECT_THAT(plugin->calls(), ElementsAre("+" + claimUid, "-" + claimUid));
}

TEST_F(PodsTest, APodStaysUntilItsClaimsAreUnprepared) {
  plugin->onUnprepare("busy");
  reserve({createPod("p", "sleep 1000")});
  ASSERT_TRUE(awaitPhase("p", "Running"));
  ASSERT_OK(api.remove(std::string(kPods) + "/p"));
  ASSERT_TRUE(eventually([&] { return plugin->calls().size() >= 3; }));
  EXPECT_FALSE(isGone("p"));

  plugin->onUnprepare("");

  EXPECT_TRUE(eventually([&] { return isGone("p"); }));
}

TEST_F(PodsTest, ASharedClaimIsPreparedOnceAndUnpreparedLast) {
  json p = createPod("p", "sleep 1000");
  reserve({p});
  ASSERT_TRUE(awaitPhase("p", "Running"));
  reserve({p, createPod("q", "sleep 1000")});
  ASSERT_TRUE(awaitPhase("q", "Running"));
  EXPECT_THAT(plugin->calls(), ElementsAre("+" + claimUid));

  ASSERT_OK(api.remove(std::string(kPods) + "/p"));
  ASSERT_TRUE(eventually([&] { return isGone("p"); }));
  EXPECT_THAT(plugin->calls(), ElementsAre("+" + claimUid));

  ASSERT_OK(api.remove(std::string(kPods) + "/q"));
  ASSERT_TRUE(eventually([&] { return isGone("q"); }));
  EXPECT_THAT(plugin->calls(), ElementsAre("+" + claimUid, "-" + claimUid));
}

TEST_F(PodsTest, AForceDeletedPodIsUnpreparedToo) {
  reserve({createPod("p", "sleep 1000")});
  ASSERT_TRUE(awaitPhase("p", "Running"));

  ASSERT_OK(api.remove(std::string(kPods) + "/p?gracePeriodSeconds=0"));

  EXPECT_TRUE(eventually([&] { return plugin->calls() == std::vector{"+" + claimUid, "-" + claimUid}; }));
}

TEST_F(PodsTest, AClaimOfTheSameNameAndAnotherUidIsRefusedWhileTheOldOneIsHeld) {
  reserve({createPod("p", "sleep 1000")});
  ASSERT_TRUE(awaitPhase("p", "Running"));
  json claim = api.get(std::string(kClaims) + "/c").value();
  ASSERT_OK(api.remove(std::string(kClaims) + "/c"));
  api.create(kClaims, {{"metadata", {{"name", "c"}}}, {"spec", claim["spec"]}}).value();

  reserve({createPod("q", "true")});

  ASSERT_TRUE(eventually([&] { return !api.list(kEvents).empty(); }));
  EXPECT_TRUE(eventually([&] {
    for (const json& event : api.list(kEvents)) {
      if (event["message"].get<std::string>().find("old ResourceClaim with same name c and different UID") !=
          std::string::npos) {
        return true;
      }
    }
    return false;
  }));
}

}  // namespace
}  // namespace simgpu::standin
