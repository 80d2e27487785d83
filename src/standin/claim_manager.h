#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"
#include "standin/plugin_client.h"
#include "standin/rest_client.h"

namespace simgpu::standin {

/// The kubelet's DRA manager: which claims are prepared, for which pods, with which devices. The checks and words are
/// those of `pkg/kubelet/cm/dra/manager.go` of Kubernetes 1.36. Thread-safe; RPCs run without its lock.
class ClaimManager {
 public:
  using FindPlugin = std::function<std::shared_ptr<PluginClient>(std::string_view driver)>;

  ClaimManager(RestClient& api, FindPlugin findPlugin) : api_(api), findPlugin_(std::move(findPlugin)) {}

  /// Prepares all claims of a pod that are not prepared yet.
  Status preparePod(const nlohmann::json& pod);

  /// Unprepares the claims that only this pod refers to, and forgets the pod's references once that succeeded.
  Status unpreparePod(const std::string& podUid);

  /// The CDI devices of one container of a prepared pod.
  std::vector<std::string> cdiDevices(const nlohmann::json& pod, const nlohmann::json& container) const;

 private:
  struct ClaimInfo {
    PluginClaim claim;
    std::set<std::string> podUids;
    std::map<std::string, std::vector<PreparedDevice>> drivers;
    bool prepared = false;
  };

  Result<nlohmann::json> usableClaim(const nlohmann::json& pod, const nlohmann::json& podClaim);
  Status reference(const nlohmann::json& pod, const nlohmann::json& claim);
  Status callDrivers(const std::map<std::string, std::vector<PluginClaim>>& batches);

  RestClient& api_;
  FindPlugin findPlugin_;
  mutable std::mutex mutex_;
  std::map<std::string, ClaimInfo> claims_;  ///< By `namespace/name`.
};

/// The name of the claim object behind an entry of `spec.resourceClaims`; empty if a template's claim is not made yet.
std::string claimNameFor(const nlohmann::json& pod, const nlohmann::json& podClaim);

}  // namespace simgpu::standin
