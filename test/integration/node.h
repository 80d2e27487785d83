#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fakes/cluster.h"
#include "fakes/eventually.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "fakes/temporary_directory.h"
#include "integration/daemon_process.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/http/server.h"
#include "simgpu/standin/api_server.h"
#include "simgpu/standin/kubelet.h"

namespace simgpu::integration {

/// A node with everything around the driver: a stand-in API server over real HTTP, a stand-in kubelet, and directories
/// of its own. The driver is the real program, started by the test.
class NodeTest : public testing::Test {
 protected:
  static constexpr const char* kDriver = "gpu.example.com";
  static constexpr const char* kSlices = "/apis/resource.k8s.io/v1/resourceslices";

  NodeTest();

  /// Starts the driver with nine GPUs and what `arguments` add or override.
  DaemonProcess startDriver(const std::vector<std::string>& arguments = {});
  std::vector<std::string> driverArguments() const;

  /// Runs the program until it ends, with just these arguments: exit code and output.
  std::pair<int, std::string> runToEnd(const std::vector<std::string>& arguments,
                                       const std::map<std::string, std::string>& environment = {});

  void startKubelet();
  void startApiServer();  ///< Over HTTP, at the port of the kubeconfig.
  void stopApiServer() { http.reset(); }

  /// Waits until that many devices are published in a complete pool.
  bool awaitDevices(std::size_t count);
  std::vector<nlohmann::json> slices() { return api.list(kSlices); }

  Result<std::vector<standin::PreparedDevice>> prepare(const claim::ClaimRef& claim);
  Status unprepare(const claim::ClaimRef& claim);
  std::vector<std::string> environmentOf(const std::vector<standin::PreparedDevice>& devices);
  std::vector<cdi::Mount> mountsOf(const std::vector<standin::PreparedDevice>& devices);

  std::filesystem::path specOf(const claim::ClaimRef& claim) const;
  std::vector<std::string> cdiFiles() const;
  std::string driverLog() const { return contentOf(log); }

  base::SystemClock clock;
  base::PosixFiles files;
  fakes::TemporaryDirectory directory;
  std::filesystem::path root = directory.path();
  std::filesystem::path log = root / "driver.log";
  std::filesystem::path cdiRoot = root / "cdi";
  std::filesystem::path kubeletRoot = root / "kubelet";
  std::filesystem::path kubeconfig = root / "kubeconfig";
  standin::ApiServer api{clock};
  fakes::Cluster cluster{api};
  std::unique_ptr<kube::Transport> transport = api.transport();
  std::uint16_t port = 0;
  std::unique_ptr<http::Server> http;
  fakes::MemoryLog kubeletLog;
  std::unique_ptr<standin::Kubelet> kubelet;
};

}  // namespace simgpu::integration
