#include "app/metrics_endpoint.h"

#include <utility>

#include "simgpu/base/version.h"
#include "simgpu/metrics/process.h"

namespace simgpu::app {
namespace {

/// The reference driver's, which says that names are in the old alphabet.
constexpr const char* kTextFormat = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// Anybody in the pod network can connect; few have a reason to.
http::ServerOptions limits(std::uint16_t port) {
  return {.address = "",
          .port = port,
          .tls = {},
          .maxConnections = 32,
          .maxHeaderBytes = 16 << 10,
          .maxBodyBytes = 1 << 10,
          .idleSeconds = 30};
}

http::Response plainText(int status, std::string text) {
  return {.status = status,
          .contentType = "text/plain; charset=utf-8",
          .headers = {},
          .body = std::move(text),
          .stream = {}};
}

}  // namespace

void addProgramMetrics(metrics::Registry& registry, base::Files& files) {
  registry
      .gauges("dra_sim_gpu_build_info", "Always 1; the labels are the release and its commit.", {"version", "commit"})
      .with({base::version(), base::commit()})
      .set(1);
  metrics::addProcessMetrics(registry, files);
}

http::Response answerMetrics(const http::Request& request, const metrics::Registry& registry) {
  if (request.path != "/metrics") {
    return plainText(404, "404 page not found\n");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response response = plainText(405, "only GET is allowed\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  return {.status = 200, .contentType = kTextFormat, .headers = {}, .body = registry.text(), .stream = {}};
}

std::optional<http::Response> answerProbe(const http::Request& request, bool ready) {
  if (request.path == "/healthz") {
    return plainText(200, "ok");
  }
  if (request.path == "/readyz") {
    return ready ? plainText(200, "ok") : plainText(503, "the claims of the cluster are not known yet\n");
  }
  return std::nullopt;
}

Result<std::unique_ptr<http::Server>> serveMetrics(std::uint16_t port, const metrics::Registry& registry,
                                                   const base::Logger& log, std::function<bool()> ready) {
  auto handler = [&registry, ready = std::move(ready)](const http::Request& request) {
    auto probe = ready ? answerProbe(request, ready()) : std::nullopt;
    return probe ? *std::move(probe) : answerMetrics(request, registry);
  };
  auto server = http::Server::start(limits(port), handler, log);
  if (!server) {
    return unexpected(server.error().with("start metrics server"));
  }
  log.info("Serving metrics", {{"port", (*server)->port()}});
  return server;
}

}  // namespace simgpu::app
