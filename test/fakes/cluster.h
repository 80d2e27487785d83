#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/claim/types.h"
#include "simgpu/standin/api_server.h"

namespace simgpu::fakes {

/// What the scheduler writes into a claim: allocation results and configurations, in the JSON of the API.
class AllocationBuilder {
 public:
  AllocationBuilder& device(std::string_view name, std::string_view request = "gpu", std::string_view pool = "node-a",
                            std::string_view driver = "gpu.example.com");
  /// Changes the last result.
  AllocationBuilder& share(std::string_view shareId, nlohmann::json consumedCapacity = nullptr);
  AllocationBuilder& admin();
  /// With the binding conditions of the reference driver.
  AllocationBuilder& binding();
  AllocationBuilder& config(std::string_view source, nlohmann::json parameters, std::vector<std::string> requests = {},
                            std::string_view driver = "gpu.example.com");
  nlohmann::json build() const { return allocation_; }

 private:
  nlohmann::json allocation_ = {
      {"devices", {{"results", nlohmann::json::array()}, {"config", nlohmann::json::array()}}}};
};

/// A GpuConfig as users write it.
nlohmann::json gpuConfig(nlohmann::json sharing);

/// The set-up of tests on a stand-in API server: a Node, and claims in the namespace `team-a`.
class Cluster {
 public:
  explicit Cluster(standin::ApiServer& server, std::string_view nodeName = "node-a");

  /// Creates a claim; allocated if `allocation` is not null. Returns its reference, with the UID that it was given.
  claim::ClaimRef claim(std::string_view name, const nlohmann::json& allocation = nullptr);

  /// Clears the allocation of a claim and sets another one.
  void reallocate(std::string_view name, const nlohmann::json& allocation);

  /// Makes a pod of this name, or with an empty name nobody, the one that the claim is reserved for.
  void reserve(std::string_view name, std::string_view pod);

  void deleteClaim(std::string_view name);

  static std::string claimPath(std::string_view name);

 private:
  void setAllocation(std::string_view name, const nlohmann::json& allocation);

  standin::ApiServer& server_;
};

}  // namespace simgpu::fakes
