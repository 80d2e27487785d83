// Starting and stopping the real program, and what it says to wrong input.

#include <csignal>
#include <fstream>

#include "integration/node.h"

namespace simgpu::integration {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

class ProgramTest : public NodeTest {
 protected:
  /// The arguments of a good start, with one of them replaced.
  std::vector<std::string> with(const std::string& argument) const {
    std::vector<std::string> all = driverArguments();
    all.push_back(argument);
    return all;
  }
};

TEST_F(ProgramTest, WrongFlagsAreOneLineAndExitCodeTwo) {
  EXPECT_THAT(runToEnd({"kubelet-plugin"}), Pair(2, StartsWith("Error: Required flag \"node-name\" not set")));
  EXPECT_THAT(runToEnd(with("--num-devices=many")),
              Pair(2, "Error: --num-devices: \"many\": expected a whole number from 0 to 10000\n"));
  EXPECT_THAT(runToEnd(driverArguments(), {{"KUBE_API_QPS", "fast"}}),
              Pair(2, HasSubstr("environment variable KUBE_API_QPS: \"fast\"")));
  EXPECT_THAT(runToEnd(with("--node-name=Not_A_Node")), Pair(2, HasSubstr("\"Not_A_Node\"")));
  EXPECT_THAT(runToEnd(with("--driver-name=../x")), Pair(2, HasSubstr("\"../x\"")));
  EXPECT_THAT(runToEnd(with("--cdi-root=relative")), Pair(2, HasSubstr("expected an absolute path")));
}

TEST_F(ProgramTest, WhatCannotBeUsedIsNamedAndExitCodeOne) {
  EXPECT_THAT(runToEnd(with("--kubeconfig=/nonexistent")), Pair(1, HasSubstr("/nonexistent")));
  EXPECT_THAT(runToEnd(with("--device-profile=foo")), Pair(1, HasSubstr("invalid device profile \"foo\"")));
  std::ofstream(root / "bad.yaml") << "apiVersion: nonsense\n";
  EXPECT_THAT(runToEnd(with("--profile-file=" + (root / "bad.yaml").string())), Pair(1, HasSubstr("bad.yaml:1")));
  std::ofstream(root / "file") << "";
  EXPECT_THAT(runToEnd(with("--cdi-root=" + (root / "file").string())), Pair(1, HasSubstr("not a directory")));
  EXPECT_THAT(runToEnd(with("--boot-id-file=/nonexistent")), Pair(1, HasSubstr("read the boot ID")));
}

TEST_F(ProgramTest, WhatIsInTheWayOfItsSocketsIsNamedAndExitCodeOne) {
  std::ofstream(root / "file") << "";
  for (const char* flag : {"--kubelet-registrar-directory-path=", "--kubelet-plugins-directory-path="}) {
    EXPECT_THAT(runToEnd(with(flag + (root / "file").string())), Pair(1, HasSubstr((root / "file").string()))) << flag;
  }
  EXPECT_THAT(runToEnd(with("--healthcheck-port=" + std::to_string(port))),
              Pair(1, HasSubstr("serve gRPC health (--healthcheck-port): listen on TCP port " + std::to_string(port))));
  std::filesystem::create_directories(kubeletRoot / "plugins" / kDriver / "dra.sock");
  EXPECT_THAT(runToEnd(driverArguments()), Pair(1, HasSubstr("it should be a socket, or absent")));
}

TEST_F(ProgramTest, ASocketPathThatIsTooLongIsRefusedNamingTheFlag) {
  std::string deep = (root / std::string(90, 'd')).string();
  EXPECT_THAT(runToEnd(with("--kubelet-plugins-directory-path=" + deep)),
              Pair(1, HasSubstr("--kubelet-plugins-directory-path")));
}

TEST_F(ProgramTest, ASecondDriverOnTheSameNodeIsRefused) {
  startKubelet();
  DaemonProcess first = startDriver();
  ASSERT_TRUE(kubelet->awaitPlugin(kDriver));

  EXPECT_THAT(runToEnd(driverArguments()), Pair(1, HasSubstr("another process serves the socket")));
  EXPECT_OK(kubelet->unprepare(kDriver, {{.space = "a", .uid = "u", .name = "b"}})) << "the first goes on";
}

TEST_F(ProgramTest, ADriverThatCannotServeTheKubeletPublishesNothing) {
  auto directory = kubeletRoot / "plugins" / kDriver;
  std::filesystem::create_directories(directory);
  base::PosixFiles files;
  auto lock = files.lock(directory / "dra.sock.lock", 0600, base::Files::Wait::tryOnce);
  ASSERT_OK(lock);

  EXPECT_THAT(runToEnd(driverArguments()), Pair(1, HasSubstr("another process serves the socket")));
  EXPECT_EQ(api.requests(), 0U);
}

TEST_F(ProgramTest, DuringARollingUpdateBothServeAndTheNewOneStays) {
  startKubelet();
  DaemonProcess old = startDriver({"--pod-uid=11111111-0000-4000-8000-000000000001"});
  ASSERT_TRUE(awaitDevices(9));
  claim::ClaimRef claim = cluster.claim("train", fakes::AllocationBuilder().device("gpu-1").build());
  ASSERT_TRUE(kubelet->awaitPlugin(kDriver));
  auto before = prepare(claim);
  ASSERT_OK(before);

  DaemonProcess fresh = startDriver({"--pod-uid=22222222-0000-4000-8000-000000000002"});
  ASSERT_TRUE(fakes::eventually([&] { return driverLog().find("waiting for its end") != std::string::npos; }));
  EXPECT_THAT(prepare(claim), IsOkAndHolds(*before));
  old.signal(SIGTERM);
  ASSERT_EQ(old.wait(), 0);

  ASSERT_TRUE(fakes::eventually([&] { return prepare(claim).has_value(); }));
  EXPECT_OK(unprepare(claim));
  EXPECT_TRUE(awaitDevices(9));
}

TEST_F(ProgramTest, TheReferenceDriversNameStartsTheKubeletPlugin) {
  std::filesystem::create_symlink(programUnderTest(), root / "dra-example-kubeletplugin");
  startKubelet();
  DaemonProcess driver({},
                       {{"NODE_NAME", "node-a"},
                        {"NAMESPACE", "dra-tutorial"},
                        {"NUM_DEVICES", "9"},
                        {"CDI_ROOT", cdiRoot},
                        {"KUBECONFIG", kubeconfig},
                        {"KUBELET_REGISTRAR_DIRECTORY_PATH", kubeletRoot / "plugins_registry"},
                        {"KUBELET_PLUGINS_DIRECTORY_PATH", kubeletRoot / "plugins"}},
                       log, root / "dra-example-kubeletplugin");
  EXPECT_TRUE(kubelet->awaitPlugin(kDriver)) << driverLog();
  EXPECT_TRUE(awaitDevices(9));
}

TEST_F(ProgramTest, AContainerThatGotItsDevicesPassesTheCheckOfInjection) {
  startKubelet();
  DaemonProcess driver = startDriver();
  ASSERT_TRUE(kubelet->awaitPlugin(kDriver));
  ASSERT_TRUE(awaitDevices(9));
  claim::ClaimRef claim = cluster.claim("train", fakes::AllocationBuilder().device("gpu-1").build());
  auto prepared = prepare(claim);
  ASSERT_OK(prepared);
  std::map<std::string, std::string> container;
  for (const std::string& entry : environmentOf(*prepared)) {
    std::size_t equals = entry.find('=');
    container[entry.substr(0, equals)] = entry.substr(equals + 1);
  }

  EXPECT_THAT(runToEnd({"check-injection"}, container),
              Pair(0, "gpu-1  claim=" + claim.uid + "  driver=gpu.example.com  node=node-a\n"));
  EXPECT_THAT(runToEnd({"check-injection"}), Pair(1, StartsWith("Error: this container was given no device")));
}

TEST_F(ProgramTest, EverySignalThatMeansStopEndsItCleanly) {
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    DaemonProcess driver = startDriver();
    ASSERT_TRUE(fakes::eventually([&] {
      return std::filesystem::exists(kubeletRoot / "plugins_registry/gpu.example.com-reg.sock");
    })) << driverLog();
    driver.signal(signal);
    EXPECT_EQ(driver.wait(), 0) << signal;
    EXPECT_TRUE(std::filesystem::is_empty(kubeletRoot / "plugins_registry"));
  }
}

TEST_F(ProgramTest, LogLinesCanBeJson) {
  DaemonProcess driver = startDriver({"--logging-format=json"});
  ASSERT_TRUE(awaitDevices(9));
  std::istringstream lines(driverLog());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
}

}  // namespace
}  // namespace simgpu::integration
