#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "simgpu/base/log.h"
#include "simgpu/standin/kubelet.h"

namespace simgpu::standin {

/// What a plugin said of itself on its registration socket.
struct PluginInfo {
  std::string type;
  std::string name;
  std::filesystem::path endpoint;
  std::vector<std::string> services;
};

/// The kubelet's side of `pluginregistration.Registration` on one socket.
class RegistrationClient {
 public:
  virtual ~RegistrationClient() = default;

  /// Connects within ten seconds, asks within one.
  static Result<std::unique_ptr<RegistrationClient>> connect(const std::filesystem::path& socket);

  virtual Result<PluginInfo> info() = 0;

  /// `error` empty: registered.
  virtual Status notify(const std::string& error) = 0;
};

/// The kubelet's side of one registered plugin. Keeps the connection and the health stream, if one is offered.
class PluginClient {
 public:
  virtual ~PluginClient() = default;

  /// Fails in the kubelet's words if it knows none of the services.
  static Status validate(const PluginInfo& info);

  /// Precondition: `validate(info)`.
  static std::unique_ptr<PluginClient> open(const PluginInfo& info, base::Logger log);

  /// See Kubelet.
  virtual Result<std::map<std::string, std::vector<PreparedDevice>>> prepare(
      const std::vector<PluginClaim>& claims) = 0;
  virtual Status unprepare(const std::vector<PluginClaim>& claims) = 0;
  virtual std::map<std::string, DeviceHealth> health() = 0;

  /// Reconnects if the connection was lost; whether there is one now.
  virtual bool connected() = 0;
};

}  // namespace simgpu::standin
