#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/claim/service.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::kubelet {

struct PluginOptions {
  std::string driverName;
  std::filesystem::path registryDirectory = "/var/lib/kubelet/plugins_registry";
  std::filesystem::path pluginsDirectory = "/var/lib/kubelet/plugins";  ///< Parent of `<driver>/`.
  std::string podUid;                       ///< Not empty: socket names of a rolling update.
  std::optional<std::uint16_t> healthPort;  ///< gRPC health on TCP, all interfaces; 0: any free port.
};

/// A device in the health stream.
struct DeviceId {
  std::string pool;
  std::string device;

  bool operator==(const DeviceId&) const = default;
};

/// What the plugin needs to know of the driver around it.
struct PluginCallbacks {
  /// The devices to report as healthy, all of them.
  std::function<std::vector<DeviceId>()> devices;

  /// The kubelet has registered us. After a restart it has also just deleted the slices of this node.
  std::function<void()> registered = [] {};
};

/// What the kubelet dials: the registration socket, the socket with DRAPlugin v1 and v1beta1 and DRAResourceHealth v1
/// and v1alpha1, and gRPC health over TCP. Serves from `start` until destruction.
///
/// Start: lock the socket's name against a second process, replace a stale socket, remove sockets that dead pods left
/// behind, serve DRA, then show the registration socket. Stop: the reverse; running calls get half a second, the rest
/// is answered UNAVAILABLE; both sockets are gone when the destructor returns.
///
/// The lock is `<DRA socket>.lock`. It goes with the sockets; what a crash leaves behind, the next start removes. A
/// socket that somebody listens on, or of another driver, is never removed.
class Plugin {
 public:
  /// Fails with a message that names the path, the port, or the process that is in the way.
  static Result<std::unique_ptr<Plugin>> start(PluginOptions options, claim::Service& claims, PluginCallbacks callbacks,
                                               base::Clock& clock, base::Files& files, metrics::Registry& metrics,
                                               base::Logger log);
  virtual ~Plugin() = default;

  virtual const std::filesystem::path& registrationSocket() const = 0;
  virtual const std::filesystem::path& draSocket() const = 0;

  /// The port that gRPC health is served on, 0 if it is not.
  virtual std::uint16_t healthPort() const = 0;
};

}  // namespace simgpu::kubelet
