// The controller as a program of its own, beside an API server over HTTP.

#include <csignal>

#include "integration/node.h"

namespace simgpu::integration {
namespace {

using fakes::AllocationBuilder;
using testing::HasSubstr;

class ControllerTest : public NodeTest {
 protected:
  DaemonProcess startController(std::vector<std::string> arguments) {
    std::filesystem::path program = root / "dra-example-controller";
    if (!std::filesystem::exists(program)) {
      std::filesystem::create_symlink(programUnderTest(), program);
    }
    arguments.emplace_back("--metrics-port=0");
    return {arguments, {{"KUBECONFIG", kubeconfig}}, log, program};
  }

  std::string statusOf(const std::string& name) {
    return (*api.get(fakes::Cluster::claimPath(name)))["status"].value("devices", nlohmann::json()).dump();
  }
};

TEST_F(ControllerTest, AnUnknownPluginIsExitCodeTwoInTheWordsOfTheReference) {
  DaemonProcess controller = startController({"-enable-plugin=Foo"});
  EXPECT_EQ(controller.wait(), 2);
  EXPECT_THAT(driverLog(),
              HasSubstr("invalid value \"Foo\" for flag -enable-plugin: unknown plugin \"Foo\" (available: "
                        "BindingConditions)"));
}

TEST_F(ControllerTest, ClaimsBecomeReadyAlsoAfterTheApiServerWasAway) {
  cluster.claim("early", AllocationBuilder().device("gpu-0").binding().build());
  DaemonProcess controller =
      startController({"-driver-name=gpu.example.com", "-enable-plugin=BindingConditions", "--fail-devices=gpu-7"});
  ASSERT_TRUE(fakes::eventually([&] { return statusOf("early").find("Device is ready") != std::string::npos; }))
      << driverLog();

  stopApiServer();
  startApiServer();
  cluster.claim("late", AllocationBuilder().device("gpu-1").binding().build());
  cluster.claim("bad", AllocationBuilder().device("gpu-7").binding().build());

  EXPECT_TRUE(fakes::eventually([&] { return statusOf("late").find("Device is ready") != std::string::npos; }))
      << driverLog();
  EXPECT_TRUE(fakes::eventually([&] { return statusOf("bad").find("BindingFailureConditions") != std::string::npos; }))
      << driverLog();
  controller.signal(SIGTERM);
  EXPECT_EQ(controller.wait(), 0);
}

}  // namespace
}  // namespace simgpu::integration
