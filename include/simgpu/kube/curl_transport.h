#pragma once

#include <memory>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/kube/config.h"
#include "simgpu/kube/transport.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::kube {

struct CurlTransportOptions {
  std::string userAgent;
  std::size_t maxInFlight = 64;          ///< Requests beyond that wait, within their deadline. Streams do not count.
  metrics::Registry* metrics = nullptr;  ///< Where requests are counted, if anywhere; must outlive the transport.
};

/// HTTP over libcurl: one thread drives every request and watch through one multi handle, HTTP/2 where the server
/// offers it, connections kept alive, watches on connections of their own.
///
/// Token, certificate and CA files are read anew at least every 60 s, token files at once on a 401, certificates at
/// once when TLS fails; exec plugins run (beside the network thread) when their credential is first needed, has expired
/// or is refused. The request that met a 401 or the failure of TLS is then repeated once. A file that cannot be read
/// again stays in use as it was. Verification of the server is never off unless the configuration says so. No token,
/// key or password ever appears in a message.
///
/// Fails if `config.server` is not an http or https URL, or a file that `config` names cannot be read.
Result<std::unique_ptr<Transport>> makeCurlTransport(Config config, CurlTransportOptions options, base::Clock& clock,
                                                     base::Files& files, base::Logger log);

}  // namespace simgpu::kube
