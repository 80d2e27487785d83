#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/http/server.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::app {

/// Adds what is counted of the program itself: its release, and what the kernel tells of the process.
void addProgramMetrics(metrics::Registry& registry, base::Files& files);

/// `GET /metrics` is the text of the registry, `HEAD` the same without it; other methods are 405, other paths 404.
http::Response answerMetrics(const http::Request& request, const metrics::Registry& registry);

/// For probes: `/healthz` is 200, and `/readyz` is 200 if `ready`, otherwise 503. Empty for any other path.
std::optional<http::Response> answerProbe(const http::Request& request, bool ready);

/// Serves metrics on all interfaces, and with `ready` also probes; port 0: any. The registry must outlive the server.
Result<std::unique_ptr<http::Server>> serveMetrics(std::uint16_t port, const metrics::Registry& registry,
                                                   const base::Logger& log, std::function<bool()> ready = {});

}  // namespace simgpu::app
