#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/clock.h"
#include "simgpu/base/result.h"
#include "simgpu/kube/transport.h"

namespace simgpu::standin {

/// Untyped requests to an API server, for the stand-ins of its other clients.
class RestClient {
 public:
  RestClient(kube::Transport& transport, base::Clock& clock) : transport_(transport), clock_(clock) {}

  Result<nlohmann::json> get(const std::string& target) { return send("GET", target, nullptr); }
  Result<std::vector<nlohmann::json>> list(const std::string& target);
  Result<nlohmann::json> create(const std::string& target, const nlohmann::json& object) {
    return send("POST", target, object);
  }
  Result<nlohmann::json> replace(const std::string& target, const nlohmann::json& object) {
    return send("PUT", target, object);
  }
  Result<nlohmann::json> mergePatch(const std::string& target, const nlohmann::json& patch) {
    return send("PATCH", target, patch, "application/merge-patch+json");
  }
  /// That it is gone already is success.
  Status remove(const std::string& target, const nlohmann::json& options = nullptr);

  kube::Transport& transport() { return transport_; }
  base::Clock& clock() { return clock_; }

 private:
  Result<nlohmann::json> send(std::string method, const std::string& target, const nlohmann::json& body,
                              std::string contentType = "application/json");

  kube::Transport& transport_;
  base::Clock& clock_;
};

/// Tells that something in one of several collections has changed; what, is for the caller to list. Not for several
/// threads, but for `nudge`.
class ChangeWatch {
 public:
  /// `collections` are targets without `watch`.
  ChangeWatch(RestClient& client, std::vector<std::string> collections);

  /// Waits for a change, at most for `atMost`; whether there was one. Begins with one.
  bool await(const std::stop_token& stop, base::Clock::Duration atMost);

  /// As if something had changed.
  void nudge();

 private:
  struct Watched {
    std::string collection;
    std::unique_ptr<kube::HttpStream> stream;
    base::Clock::TimePoint notBefore = base::Clock::TimePoint::min();
  };

  void renewStream(Watched& watched);

  RestClient& client_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool news_ = true;
  std::vector<Watched> watched_;  ///< Last, so that no wake comes after the members above are gone.
};

}  // namespace simgpu::standin
