#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/cdi/spec.h"
#include "simgpu/kube/transport.h"

namespace simgpu::standin {

struct KubeletOptions {
  std::string nodeName;
  std::filesystem::path root = "/var/lib/kubelet";                 ///< Holds `plugins_registry/`.
  std::vector<std::filesystem::path> cdiRoots = {"/var/run/cdi"};  ///< A later directory wins over an earlier one.
  std::filesystem::path logDirectory = "/var/log/pods";

  base::Clock::Duration wipeDelay = std::chrono::seconds(30);     ///< From the loss of a driver to that of its slices.
  base::Clock::Duration prepareRetry = std::chrono::seconds(60);  ///< Between attempts to start a pod.
  base::Clock::Duration unprepareRetry = std::chrono::seconds(10);
};

/// A claim in a request to a plugin.
struct PluginClaim {
  std::string space;
  std::string uid;
  std::string name;
};

/// `dra/v1 Device`
struct PreparedDevice {
  std::vector<std::string> requestNames;
  std::string pool;
  std::string device;
  std::vector<std::string> cdiDeviceIds;
  std::optional<std::string> shareId;

  bool operator==(const PreparedDevice&) const = default;
};

struct DeviceHealth {
  enum class State { unknown, healthy, unhealthy };

  State state = State::unknown;
  std::string message;

  bool operator==(const DeviceHealth&) const = default;
};

/// What a command printed, and how it ended.
struct CommandResult {
  int exitCode = 0;  ///< 128 and the signal's number if a signal ended it.
  std::string output;
};

/// A kubelet small enough to embed: it looks for DRA plugins, talks to them with the checks, deadlines and words of
/// Kubernetes 1.36, and runs the containers of pods on its node as local processes, with the environment that the CDI
/// specs of their devices give. No images, no isolation, no init containers; a container that ended is not started
/// again.
class Kubelet {
 public:
  /// Deletes all slices of its node and starts to look for plugins and pods. The parameters must outlive the kubelet.
  static Result<std::unique_ptr<Kubelet>> start(KubeletOptions options, kube::Transport& transport, base::Clock& clock,
                                                base::Files& files, base::Logger log);

  /// Stops containers without unpreparing their claims, as a kubelet that is stopped does; closes every connection.
  virtual ~Kubelet() = default;

  /// Waits until a plugin of this driver is registered (or is not); false after ten seconds.
  virtual bool awaitPlugin(std::string_view driver, bool registered = true) = 0;

  /// What went wrong with the last attempt to register the plugin behind this socket; ok if nothing did.
  virtual Status registrationOf(const std::filesystem::path& socket) = 0;

  /// One NodePrepareResources to the driver's plugin: devices by claim UID, or the kubelet's words for what was wrong.
  virtual Result<std::map<std::string, std::vector<PreparedDevice>>> prepare(
      std::string_view driver, const std::vector<PluginClaim>& claims) = 0;
  virtual Status unprepare(std::string_view driver, const std::vector<PluginClaim>& claims) = 0;

  /// What the driver's health stream has told, by `pool/device`.
  virtual std::map<std::string, DeviceHealth> health(std::string_view driver) = 0;

  /// The environment that a container with these CDI devices gets, in the order in which the CDI library applies it.
  virtual Result<std::vector<std::string>> environmentOf(const std::vector<std::string>& cdiDeviceIds) = 0;

  /// What is mounted into such a container. The stand-in's own containers have no file system of their own, and so no
  /// mounts.
  virtual Result<std::vector<cdi::Mount>> mountsOf(const std::vector<std::string>& cdiDeviceIds) = 0;

  /// Runs a command with that environment (and PATH). deadlineExceeded, killing it, after `timeout`.
  virtual Result<CommandResult> run(const std::vector<std::string>& command,
                                    const std::vector<std::string>& cdiDeviceIds, std::chrono::seconds timeout) = 0;
};

}  // namespace simgpu::standin
