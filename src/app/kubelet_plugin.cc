#include "app/kubelet_plugin.h"

#include <future>
#include <utility>

#include "app/metrics_endpoint.h"
#include "app/setup.h"
#include "simgpu/base/version.h"
#include "simgpu/driver/driver.h"
#include "simgpu/kube/curl_transport.h"

namespace simgpu::app {
namespace {

Result<device::Inventory> loadInventory(const KubeletPluginFlags& flags, base::Files& files) {
  auto profile = loadProfile(flags.deviceProfile, flags.profileFile, files);
  if (!profile) {
    return unexpected(profile.error());
  }
  auto given = [](std::int64_t number) {
    return number < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(number));
  };
  device::NodeContext node{.nodeName = flags.nodeName,
                           .driverName = flags.driverName.empty() ? profile->defaultDriverName() : flags.driverName,
                           .numDevices = given(flags.numDevices),
                           .gpuPartitions = given(flags.gpuPartitions),
                           .cpuNumaNodes = given(flags.cpuNumaNodes),
                           .cpusPerNumaNode = given(flags.cpusPerNumaNode),
                           .gpuAllowMultipleAllocations = flags.gpuAllowMultipleAllocations,
                           .bindingConditions = flags.bindingConditions};
  return device::Inventory::create(*std::move(profile), std::move(node));
}

Result<std::unique_ptr<kube::Transport>> openTransport(const KubeletPluginFlags& flags, const Environment& environment,
                                                       metrics::Registry& metrics, base::Clock& clock,
                                                       base::Files& files, const base::Logger& log) {
  auto config = clientConfig(flags.kubeconfig, files, environment);
  if (!config) {
    return unexpected(config.error());
  }
  auto transport =
      kube::makeCurlTransport(*std::move(config), {.userAgent = userAgent(), .metrics = &metrics}, clock, files, log);
  return transport ? std::move(transport) : unexpected(transport.error().with("create client"));
}

driver::Options driverOptions(const KubeletPluginFlags& flags) {
  driver::Options options{.cdiRoot = flags.cdiRoot,
                          .registryDirectory = flags.registryDirectory,
                          .pluginsDirectory = flags.pluginsDirectory,
                          .podUid = flags.podUid,
                          .healthPort = {},
                          .deviceMetadata = flags.deviceMetadata,
                          .deviceStatus = flags.gpuDeviceStatus,
                          .bootIdFile = flags.bootIdFile};
  if (flags.healthcheckPort >= 0) {
    options.healthPort = static_cast<std::uint16_t>(flags.healthcheckPort);
  }
  return options;
}

}  // namespace

Status runKubeletPlugin(const KubeletPluginFlags& flags, const Environment& environment) {
  base::SystemClock clock;
  base::SystemRandom random;
  base::PosixFiles files;
  auto sink = base::makeStderrSink();
  base::Logger log(*sink, clock, flags.log);

  metrics::Registry metrics;
  // The profile is read beside the configuration of the API client: a node waits for its driver.
  auto inventoryAtWork = std::async(std::launch::async, [&] { return loadInventory(flags, files); });
  auto transport = openTransport(flags, environment, metrics, clock, files, log);
  auto inventory = inventoryAtWork.get();
  if (!inventory) {
    return inventory.error();
  }
  if (!transport) {
    return transport.error();
  }
  kube::Client api(**transport, clock, {.qps = flags.kubeApiQps, .burst = static_cast<int>(flags.kubeApiBurst)}, log);
  log.info("Starting", {{"version", base::version()},
                        {"commit", base::commit()},
                        {"driver", inventory->node().driverName},
                        {"node", inventory->node().nodeName},
                        {"devices", inventory->devices().size()}});
  std::unique_ptr<http::Server> metricsServer;
  if (flags.metricsPort >= 0) {
    addProgramMetrics(metrics, files);
    auto server = serveMetrics(static_cast<std::uint16_t>(flags.metricsPort), metrics, log);
    if (!server) {
      return server.error();
    }
    metricsServer = *std::move(server);
  }
  auto driver = driver::Driver::start(
      driverOptions(flags), *std::move(inventory),
      {.clock = clock, .files = files, .random = random, .api = api, .metrics = metrics, .log = log});
  if (!driver) {
    return driver.error();
  }
  int signal = waitForSignal();
  log.info("Stopping", {{"signal", signal}});
  driver->reset();
  log.info("Stopped");
  return {};
}

}  // namespace simgpu::app
