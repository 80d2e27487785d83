#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/random.h"
#include "simgpu/base/result.h"
#include "simgpu/device/inventory.h"
#include "simgpu/kube/client.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::driver {

struct Options {
  std::filesystem::path cdiRoot = "/etc/cdi";
  std::filesystem::path registryDirectory = "/var/lib/kubelet/plugins_registry";
  std::filesystem::path pluginsDirectory = "/var/lib/kubelet/plugins";  ///< Parent of `<driver>/`.
  std::string podUid;                                                   ///< Not empty: rolling-update socket names.
  std::optional<std::uint16_t> healthPort;                              ///< gRPC health; 0: any free port.
  bool deviceMetadata = false;  ///< Whether containers get files that describe their devices (KEP-5304).
  bool deviceStatus = false;    ///< Write `status.devices` of claims.
  std::filesystem::path bootIdFile = "/proc/sys/kernel/random/boot_id";
};

/// What a driver is given rather than finding it itself; all of it must outlive the driver.
struct Surroundings {
  base::Clock& clock;
  base::Files& files;
  base::Random& random;
  kube::Client& api;
  metrics::Registry& metrics;  ///< Drivers with one registry add up; labels tell them apart where that makes no sense.
  base::Logger log;
};

/// One DRA driver on one node: prepares claims for the kubelet and keeps the node's ResourceSlices published. Any
/// number of drivers can live in one process.
///
/// Start: directories, the store of prepared claims, the sweep, then the sockets: when the kubelet sees us, we can
/// serve it. Last the publisher, in a thread of its own like the sweep, so that the API server holds up nothing. Stop:
/// first the sockets, then the rest. Prepared claims and published slices outlive the driver.
class Driver {
 public:
  /// Fails with a message that names the file, directory or port at fault.
  static Result<std::unique_ptr<Driver>> start(Options options, device::Inventory inventory, Surroundings surroundings);

  virtual ~Driver() = default;

  /// The port that gRPC health is served on, 0 if it is not.
  virtual std::uint16_t healthPort() const = 0;
};

}  // namespace simgpu::driver
