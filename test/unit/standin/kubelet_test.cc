#include "unit/standin/kubelet_fixture.h"

/// What the kubelet says to a plugin's answers, and commands with CDI devices.
namespace simgpu::standin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using PrepareRequest = dra::v1::NodePrepareResourcesRequest;
using PrepareResponse = dra::v1::NodePrepareResourcesResponse;

class KubeletTest : public KubeletFixture {
 protected:
  KubeletTest() {
    startPlugin();
    startKubelet();
    EXPECT_TRUE(kubelet->awaitPlugin("gpu.example.com"));
  }

  void answer(std::function<void(PrepareResponse&)> fill, grpc::Status status = grpc::Status::OK) {
    plugin->onPrepare([fill, status](const PrepareRequest&, PrepareResponse& response) {
      fill(response);
      return status;
    });
  }

  auto prepare() { return kubelet->prepare("gpu.example.com", {{"ns", "u-1", "train"}, {"ns", "u-2", "serve"}}); }
};

TEST_F(KubeletTest, AFailedCallIsToldAsGoDoes) {
  answer([](PrepareResponse&) {}, {grpc::StatusCode::INTERNAL, "boom"});

  EXPECT_THAT(prepare(), Fails(Code::unavailable, "NodePrepareResources: rpc error: code = Internal desc = boom"));
}

TEST_F(KubeletTest, AnAnswerForAnotherClaimIsRefused) {
  answer([](PrepareResponse& response) { (*response.mutable_claims())["u-9"]; });

  EXPECT_THAT(prepare(), Fails(Code::internal, "NodePrepareResources returned result for unknown claim UID u-9"));
}

TEST_F(KubeletTest, TheErrorOfAClaimIsToldWithItsName) {
  answer([](PrepareResponse& response) { (*response.mutable_claims())["u-2"].set_error("no such device"); });

  EXPECT_THAT(prepare(), Fails(Code::internal, "NodePrepareResources failed for ResourceClaim serve: no such device"));
}

TEST_F(KubeletTest, ClaimsWithoutAnswerAreCounted) {
  answer([](PrepareResponse& response) { (*response.mutable_claims())["u-1"]; });

  EXPECT_THAT(prepare(), Fails(Code::internal, "NodePrepareResources skipped 1 ResourceClaims"));
}

TEST_F(KubeletTest, TheErrorOfUnprepareIsTold) {
  plugin->onUnprepare("busy");

  EXPECT_THAT(kubelet->unprepare("gpu.example.com", {{"ns", "u-1", "train"}}),
              Fails(Code::internal, "NodeUnprepareResources failed for ResourceClaim train: busy"));
}

TEST_F(KubeletTest, PreparedDevicesComeBackWhole) {
  answer([](PrepareResponse& response) {
    (*response.mutable_claims())["u-1"];
    auto* device = (*response.mutable_claims())["u-2"].add_devices();
    device->add_request_names("gpu");
    device->set_pool_name("node-a");
    device->set_device_name("gpu-0");
    device->add_cdi_device_ids("example.com/gpu=u-2-gpu-0");
    device->set_share_id("s");
  });

  auto prepared = prepare();

  ASSERT_OK(prepared);
  PreparedDevice expected{{"gpu"}, "node-a", "gpu-0", {"example.com/gpu=u-2-gpu-0"}, "s"};
  EXPECT_THAT((*prepared)["u-2"], ElementsAre(expected));
  EXPECT_TRUE((*prepared)["u-1"].empty());
}

TEST_F(KubeletTest, ACommandRunsWithTheVariablesOfItsDevices) {
  write("cdi/a.yaml",
        "cdiVersion: 0.3.0\nkind: example.com/gpu\ndevices:\n- name: one\n  containerEdits:\n    env: [GPU=one]\n");

  auto result = kubelet->run({"sh", "-c", "echo $GPU; exit 3"}, {"example.com/gpu=one"}, std::chrono::seconds(10));

  ASSERT_OK(result);
  EXPECT_EQ(result->output, "one\n");
  EXPECT_EQ(result->exitCode, 3);
}

TEST_F(KubeletTest, ACommandOfAnUnknownDeviceDoesNotRun) {
  EXPECT_THAT(kubelet->run({"true"}, {"example.com/gpu=two"}, std::chrono::seconds(10)),
              Fails(Code::notFound, "unresolvable CDI devices example.com/gpu=two"));
}

TEST_F(KubeletTest, ACommandThatTakesTooLongIsKilled) {
  EXPECT_THAT(kubelet->run({"sleep", "1000"}, {}, std::chrono::seconds(0)),
              Fails(Code::deadlineExceeded, HasSubstr("sleep did not end")));
}

TEST_F(KubeletTest, ACommandThatDoesNotExistIsNamed) {
  EXPECT_THAT(kubelet->run({"/no/such/program"}, {}, std::chrono::seconds(1)),
              Fails(Code::notFound, HasSubstr("/no/such/program")));
}

}  // namespace
}  // namespace simgpu::standin
