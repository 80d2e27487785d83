#include "kubelet/rpc_meter.h"

#include <stdexcept>

#include "plugin_fixture.h"

namespace simgpu::kubelet {
namespace {

using testing::HasSubstr;
using testing::Not;

class RpcMeterTest : public PluginTest {};

TEST_F(RpcMeterTest, AnExceptionIsMeasuredAsInternal) {
  RpcMeter meter(metrics, systemClock_);

  auto status = meter.guarded("S/M", []() -> grpc::Status { throw std::runtime_error("broken"); });

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(metrics.text(),
              HasSubstr("dra_sim_gpu_rpc_duration_seconds_count{method=\"S/M\",code=\"INTERNAL\"} 1\n"));
}

TEST_F(RpcMeterTest, CallsOfTheKubeletAreMeasuredByServiceAndMethod) {
  auto plugin = start();
  ASSERT_OK(plugin);
  auto channel = dial((*plugin)->draSocket());

  {
    Call call;
    dra::v1::NodePrepareResourcesResponse response;
    ASSERT_TRUE(
        dra::v1::DRAPlugin::NewStub(channel)->NodePrepareResources(&call, prepareRequest({"u"}), &response).ok());
  }

  EXPECT_THAT(metrics.text(), HasSubstr("dra_sim_gpu_rpc_duration_seconds_count{method=\"v1.DRAPlugin/"
                                        "NodePrepareResources\",code=\"OK\"} 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("le=\"0.0005\""));
}

TEST_F(RpcMeterTest, ACallWithoutClaimsIsNotMeasured) {
  auto plugin = start();
  ASSERT_OK(plugin);

  Call call;
  dra::v1::NodePrepareResourcesResponse response;
  ASSERT_TRUE(
      dra::v1::DRAPlugin::NewStub(dial((*plugin)->draSocket()))->NodePrepareResources(&call, {}, &response).ok());

  EXPECT_THAT(metrics.text(), Not(HasSubstr("rpc")));
}

}  // namespace
}  // namespace simgpu::kubelet
