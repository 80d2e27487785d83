#include "app/controller.h"

#include <memory>
#include <utility>

#include "app/metrics_endpoint.h"
#include "app/setup.h"
#include "simgpu/base/version.h"
#include "simgpu/controller/binding_controller.h"
#include "simgpu/kube/curl_transport.h"

namespace simgpu::app {

Status runController(const ControllerFlags& flags, const Environment& environment) {
  base::SystemClock clock;
  base::SystemRandom random;
  base::PosixFiles files;
  auto sink = base::makeStderrSink();
  base::Logger log(*sink, clock, flags.log);

  auto config = clientConfig(flags.kubeconfig, files, environment);
  if (!config) {
    return config.error();
  }
  metrics::Registry metrics;
  auto transport =
      kube::makeCurlTransport(*std::move(config), {.userAgent = userAgent(), .metrics = &metrics}, clock, files, log);
  if (!transport) {
    return transport.error().with("create client");
  }
  kube::Client api(**transport, clock, {.qps = flags.kubeApiQps, .burst = static_cast<int>(flags.kubeApiBurst)}, log);
  log.info("Starting", {{"version", base::version()}, {"commit", base::commit()}, {"driver", flags.driverName}});
  std::unique_ptr<controller::BindingController> bindings;
  if (flags.plugins.empty()) {
    log.warning("No plugin is enabled, so there is nothing to do; see --enable-plugin");
  } else {
    bindings = std::make_unique<controller::BindingController>(
        controller::BindingRules{.driverName = flags.driverName, .failDevices = flags.failDevices}, api, clock, random,
        log);
  }
  std::unique_ptr<http::Server> server;
  if (flags.metricsPort >= 0) {
    addProgramMetrics(metrics, files);
    auto started = serveMetrics(static_cast<std::uint16_t>(flags.metricsPort), metrics, log,
                                [&bindings] { return !bindings || bindings->ready(); });
    if (!started) {
      return started.error();
    }
    server = *std::move(started);
  }
  int signal = waitForSignal();
  log.info("Stopping", {{"signal", signal}});
  server.reset();
  bindings.reset();
  log.info("Stopped");
  return {};
}

}  // namespace simgpu::app
