#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "fake_claims.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "fakes/temporary_directory.h"
#include "gate.h"
#include "kubelet/dra/v1/api.grpc.pb.h"
#include "kubelet/dra/v1beta1/api.grpc.pb.h"
#include "kubelet/pluginregistration/v1/api.grpc.pb.h"
#include "simgpu/kubelet/plugin.h"

namespace simgpu::kubelet {

namespace dra = k8s::io::kubelet::pkg::apis::dra;

/// Whether something becomes true within ten seconds, for what happens in other threads or processes.
inline bool eventually(const std::function<bool()>& condition) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// A client context that gives up after ten seconds, so that a test fails instead of hanging.
struct Call : grpc::ClientContext {
  explicit Call(std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    set_deadline(std::chrono::system_clock::now() + patience);
  }
};

/// The sockets of a driver, `gpu.example.com`, in a temporary directory.
class PluginTest : public testing::Test {
 protected:
  static constexpr const char* kDriver = "gpu.example.com";
  static constexpr const char* kPod = "303b27ee-1111-2222-3333-444455556666";
  static constexpr const char* kOtherPod = "99999999-1111-2222-3333-444455556666";

  PluginOptions options(std::string podUid = "") const {
    return {.driverName = kDriver,
            .registryDirectory = registry(),
            .pluginsDirectory = directory_.path() / "plugins",
            .podUid = std::move(podUid),
            .healthPort = std::nullopt};
  }

  std::filesystem::path registry() const { return directory_.path() / "plugins_registry"; }
  std::filesystem::path pluginDirectory() const { return directory_.path() / "plugins" / kDriver; }

  Result<std::unique_ptr<Plugin>> start(PluginOptions options, base::Clock* clock = nullptr) {
    PluginCallbacks callbacks;
    callbacks.devices = devices;
    callbacks.registered = registered;
    return Plugin::start(std::move(options), claims, std::move(callbacks), clock != nullptr ? *clock : systemClock_,
                         files_, metrics, log());
  }
  Result<std::unique_ptr<Plugin>> start() { return start(options()); }

  base::Logger log() { return {logged, systemClock_, {.format = base::LogFormat::text, .verbosity = 0}}; }

  /// A connection of its own, as gRPC for C++ dials it.
  static std::shared_ptr<grpc::Channel> dial(const std::filesystem::path& socket,
                                             grpc::ChannelArguments arguments = {}) {
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel("unix:" + socket.native(), grpc::InsecureChannelCredentials(), arguments);
  }

  static dra::v1::NodePrepareResourcesRequest prepareRequest(const std::vector<std::string>& uids) {
    dra::v1::NodePrepareResourcesRequest request;
    for (const std::string& uid : uids) {
      auto& claim = *request.add_claims();
      claim.set_namespace_("team-a");
      claim.set_name("claim-" + uid);
      claim.set_uid(uid);
    }
    return request;
  }

  fakes::TemporaryDirectory directory_;
  base::PosixFiles files_;
  base::SystemClock systemClock_;
  fakes::MemoryLog logged;
  Gate gate;
  FakeClaims claims;
  metrics::Registry metrics;
  std::function<std::vector<DeviceId>()> devices = [] { return std::vector<DeviceId>(); };
  std::function<void()> registered = [] {};
};

}  // namespace simgpu::kubelet
