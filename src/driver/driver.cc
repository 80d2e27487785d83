#include "simgpu/driver/driver.h"

#include <mutex>
#include <utility>

#include "driver/takeover.h"
#include "simgpu/claim/preparer.h"
#include "simgpu/claim/restorer.h"
#include "simgpu/claim/status_writer.h"
#include "simgpu/claim/store.h"
#include "simgpu/claim/sweeper.h"
#include "simgpu/kube/event_recorder.h"
#include "simgpu/kubelet/plugin.h"
#include "simgpu/slice/publisher.h"

namespace simgpu::driver {
namespace {

constexpr mode_t kDirectoryMode = 0750;

/// The boot that is running: what another boot prepared is void.
Result<std::string> readBootId(base::Files& files, const std::filesystem::path& file) {
  auto text = files.read(file);
  if (!text) {
    return unexpected(text.error().with("read the boot ID"));
  }
  std::string id = text->substr(0, text->find_first_of("\r\n"));
  if (id.empty()) {
    return unexpected(Status::dataLoss("read the boot ID: {} is empty", file.native()));
  }
  return id;
}

std::vector<kubelet::DeviceId> deviceIds(const device::Inventory& inventory) {
  std::vector<kubelet::DeviceId> ids;
  ids.reserve(inventory.devices().size());
  for (const device::Device& device : inventory.devices()) {
    ids.push_back({.pool = inventory.pool(), .device = device.name});
  }
  return ids;
}

/// Destruction stops the members from the last to the first: the kubelet's plugin, then what talks to the API server.
class DriverImpl final : public Driver {
 public:
  DriverImpl(device::Inventory inventory, Surroundings surroundings)
      : inventory_(std::move(inventory)),
        around_(std::move(surroundings)),
        claimInstruments_(around_.metrics),
        sliceInstruments_(around_.metrics),
        events_(around_.api, around_.clock,
                {.component = inventory_.node().driverName, .host = inventory_.node().nodeName}, around_.metrics,
                around_.log) {
    // The reference driver counts here what ends it. Nothing ends this one, which its dashboards may see.
    around_.metrics.counter("dra_example_driver_fatal_background_errors_total",
                            "[BETA] Errors in background that ended the driver; always 0.");
  }

  Status start(Options options) {
    const std::string& driverName = inventory_.node().driverName;
    std::filesystem::path directory = options.pluginsDirectory / driverName;
    if (Status created = around_.files.createDirectories(directory, kDirectoryMode); !created) {
      return created;
    }
    auto bootId = readBootId(around_.files, options.bootIdFile);
    if (!bootId) {
      return bootId.error();
    }
    if (Status opened = openStore(options, directory, *std::move(bootId)); !opened) {
      return opened;
    }
    if (options.deviceStatus) {
      statusWriter_ = std::make_unique<claim::StatusWriter>(inventory_, *store_, around_.api, around_.clock,
                                                            around_.random, around_.log);
    }
    auto describe = [this](const kube::ResourceClaim& claim) {
      if (statusWriter_) {
        statusWriter_->prepared(claim);
      }
    };
    sweeper_ =
        std::make_unique<claim::Sweeper>(*store_, around_.api, around_.clock, around_.random,
                                         inventory_.node().nodeName, describe, events_, claimInstruments_, around_.log);
    preparer_ = std::make_unique<claim::Preparer>(
        inventory_, *store_, around_.api, around_.clock, around_.random,
        claim::Preparer::Listeners{.blockedBy = [this](const claim::ClaimRef& holder) { sweeper_->suspect(holder); },
                                   .prepared = describe},
        events_, claimInstruments_, around_.log);
    if (Status started = startPlugin(std::move(options)); !started) {
      return started;
    }
    // Only now is it certain that no other driver serves under this name here.
    retireReferenceCheckpoint(around_.files, directory, around_.log);
    startTalking(directory);
    return {};
  }

  std::uint16_t healthPort() const override { return plugin_->healthPort(); }

 private:
  Status openStore(const Options& options, const std::filesystem::path& directory, std::string bootId) {
    auto store = claim::Store::open(
        {.naming = {.driverName = inventory_.node().driverName, .cdiClass = inventory_.profile().cdiClass()},
         .cdiRoot = options.cdiRoot,
         .lockFile = directory / "serialize.lock",
         .bootId = std::move(bootId),
         .metadataDirectory = directory / "dra-device-metadata",
         .deviceMetadata = options.deviceMetadata,
         .inventory = &inventory_},
        around_.files, around_.clock, claimInstruments_, around_.log);
    if (!store) {
      return store.error();
    }
    store_ = *std::move(store);
    return {};
  }

  /// What asks the API server of its own accord. It comes last: the kubelet need not wait for it, and a driver whose
  /// sockets are another's has published nothing.
  void startTalking(const std::filesystem::path& directory) {
    restorer_ = std::make_unique<claim::Restorer>(*store_, *preparer_, inventory_, around_.api, around_.clock,
                                                  around_.random, events_, around_.log);
    std::lock_guard guard(publisherMutex_);
    publisher_ = std::make_unique<slice::Publisher>(slice::Publisher::Options{.lockFile = directory / "publish.lock"},
                                                    inventory_, around_.api, around_.clock, around_.random,
                                                    around_.files, events_, sliceInstruments_, around_.log);
  }

  /// On a thread of the plugin, maybe before there is a publisher, which then begins by reading what the kubelet left.
  void registered() {
    std::lock_guard guard(publisherMutex_);
    if (publisher_) {
      publisher_->poke();
    }
  }

  Status startPlugin(Options options) {
    auto plugin = kubelet::Plugin::start(
        {.driverName = inventory_.node().driverName,
         .registryDirectory = std::move(options.registryDirectory),
         .pluginsDirectory = std::move(options.pluginsDirectory),
         .podUid = std::move(options.podUid),
         .healthPort = options.healthPort},
        *preparer_, {.devices = [this] { return deviceIds(inventory_); }, .registered = [this] { registered(); }},
        around_.clock, around_.files, around_.metrics, around_.log);
    if (!plugin) {
      return plugin.error();
    }
    plugin_ = *std::move(plugin);
    return {};
  }

  const device::Inventory inventory_;
  Surroundings around_;
  claim::Instruments claimInstruments_;
  slice::Instruments sliceInstruments_;
  kube::EventRecorder events_;
  std::unique_ptr<claim::Store> store_;
  std::unique_ptr<claim::StatusWriter> statusWriter_;  ///< Null if nobody wants it.
  std::unique_ptr<claim::Sweeper> sweeper_;
  std::unique_ptr<claim::Preparer> preparer_;
  std::unique_ptr<claim::Restorer> restorer_;
  std::mutex publisherMutex_;
  std::unique_ptr<slice::Publisher> publisher_;  ///< Null until the kubelet is served.
  std::unique_ptr<kubelet::Plugin> plugin_;
};

}  // namespace

Result<std::unique_ptr<Driver>> Driver::start(Options options, device::Inventory inventory, Surroundings surroundings) {
  auto driver = std::make_unique<DriverImpl>(std::move(inventory), std::move(surroundings));
  if (Status started = driver->start(std::move(options)); !started) {
    return unexpected(started);
  }
  return driver;
}

}  // namespace simgpu::driver
