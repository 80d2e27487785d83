#pragma once

#include <cstdint>
#include <string>

#include "kube/credentials.h"
#include "kube/transfer.h"
#include "simgpu/base/result.h"
#include "simgpu/kube/config.h"

namespace simgpu::kube {

/// Where requests go: the parts of Config that do not change.
struct Endpoint {
  std::string server;     ///< For messages.
  std::string baseUrl;    ///< What targets are appended to; its host is the TLS server name if one is configured.
  std::string authority;  ///< `Host` header if it differs from `baseUrl`'s.
  std::string connectTo;  ///< `host:port` of the server.
  bool insecureSkipTlsVerify = false;
  std::string proxyUrl;
  bool noProxy = false;
  std::string userAgent;
  std::string trust;  ///< For messages: where the certificate authority comes from.
};

/// Fails if `config.server` is not a URL.
Result<Endpoint> endpointOf(const Config& config, std::string userAgent);

/// Prepares an attempt: `transfer.easy` with all its options. `fresh`: do not use a connection that is there already.
Status setUp(Transfer& transfer, const Endpoint& endpoint, const Identity& identity, bool fresh);

/// What curl's result means, in a sentence that names the server.
Status statusOfCurl(CURLcode code, const Transfer& transfer, const Endpoint& endpoint);

/// Whether other certificates may change the result.
bool concernsCertificates(CURLcode code);

}  // namespace simgpu::kube
