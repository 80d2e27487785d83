#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fakes/result_matchers.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/http/server.h"
#include "simgpu/kube/transport.h"
#include "simgpu/standin/api_server.h"

namespace simgpu::contract {

using nlohmann::json;

inline constexpr const char* kSlices = "/apis/resource.k8s.io/v1/resourceslices";
inline constexpr const char* kClaims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
inline constexpr const char* kEvents = "/api/v1/namespaces/default/events";

/// What a server answered.
struct Answer {
  int status = 0;
  json body;

  std::string reason() const { return body.value("reason", ""); }
  std::string message() const { return body.value("message", ""); }
  /// The `field` of the first cause.
  std::string field() const;
};

/// A watch whose events a test waits for.
class Watch {
 public:
  Watch(kube::Transport& transport, const std::string& target);

  /// The next event, `{"type", "object"}`; null when the watch has ended, `"silence"` when nothing comes for 15 s.
  json next();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool news_ = false;
  bool ended_ = false;
  std::vector<json> events_;
  std::unique_ptr<kube::HttpStream> stream_;
};

/// A test of one fact that clients rely on. Every object has a name with a prefix of its own, and is deleted at the
/// end.
class ContractTest : public testing::Test {
 protected:
  ContractTest();
  ~ContractTest() override;

  Answer send(std::string method, const std::string& target, const json& body = nullptr,
              std::string contentType = "application/json");
  Answer get(const std::string& target) { return send("GET", target); }
  /// The answer as it comes, in Protobuf if the server can.
  kube::HttpResponse getProtobuf(const std::string& target);
  Answer post(const std::string& collection, const json& object);
  Answer put(const std::string& target, const json& object) { return send("PUT", target, object); }
  Answer remove(const std::string& target, const json& options = nullptr) { return send("DELETE", target, options); }

  /// A valid object that does not exist yet.
  json slice(const std::string& suffix = "a") const;
  json claim(const std::string& suffix = "a") const;
  /// A status in which `gpu-0` of the node is allocated to the claim.
  json allocatedStatus() const;

  /// Names of this test only.
  std::string name(const std::string& suffix = "a") const { return prefix_ + suffix; }
  std::string node() const { return prefix_ + "node"; }
  std::string path(const char* collection, const std::string& suffix = "a") const {
    return std::string(collection) + "/" + name(suffix);
  }

  static std::string versionOf(const json& object) { return object.at("metadata").at("resourceVersion"); }

  Watch watch(const std::string& target) { return Watch(*transport_, target); }

  /// The stand-in, or null against another server.
  standin::ApiServer* standin() { return standin_.get(); }

 private:
  base::SystemClock clock_;
  base::PosixFiles files_;
  std::unique_ptr<standin::ApiServer> standin_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<kube::Transport> transport_;
  std::string prefix_;
  std::vector<std::string> created_;
};

}  // namespace simgpu::contract
