#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/http/server.h"
#include "simgpu/kube/transport.h"

namespace simgpu::standin {

/// An API server small enough to embed: any resource whose path it is told of, kept in memory with UIDs,
/// resourceVersions, generations, conflicts, preconditions, field selectors, paging, watches with bookmarks and 410,
/// server-side defaults of `resource.k8s.io/v1`, and the limits that matter to a DRA driver. Holds what the contract
/// tests in test/contract check against a real kube-apiserver, and nothing else. Thread-safe.
class ApiServer {
 public:
  explicit ApiServer(base::Clock& clock);
  ~ApiServer();

  /// A transport that calls this server without sockets, for unit tests of what talks to an API server.
  std::unique_ptr<kube::Transport> transport();

  /// Serves over HTTP (or HTTPS, if `options.tls`) until the returned server is destroyed.
  Result<std::unique_ptr<http::Server>> serve(http::ServerOptions options, base::Logger log);

  /// Direct access for tests and set-up, as `kubectl` would: paths as in REST. The JSON is the stored object; failures
  /// carry the API's message.
  Result<nlohmann::json> get(std::string_view path);
  Result<nlohmann::json> create(std::string_view collectionPath, nlohmann::json object);
  Result<nlohmann::json> replace(std::string_view path, nlohmann::json object);
  Status remove(std::string_view path);
  std::vector<nlohmann::json> list(std::string_view collectionPath);

  /// Called for each request before it is handled; an answer replaces the handling. For failures on demand.
  using Interceptor = std::function<std::optional<kube::HttpResponse>(const kube::HttpRequest&)>;
  void intercept(Interceptor interceptor);

  /// Makes every watch fall behind: those that resume from before now get 410 Expired.
  void compact();

  /// Ends every running watch, as a restart of the server would.
  void endWatches();

  /// How many requests of this method (empty: any) whose path contains `part` have arrived; a watch counts as WATCH.
  std::size_t requests(std::string_view method = {}, std::string_view part = {}) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace simgpu::standin
