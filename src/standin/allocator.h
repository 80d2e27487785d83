#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"
#include "standin/usage.h"

namespace simgpu::standin {

/// What the scheduler sees of the cluster when it allocates.
struct Inventory {
  std::vector<nlohmann::json> slices;
  std::map<std::string, nlohmann::json> classes;  ///< DeviceClasses by name.
  std::vector<nlohmann::json> claims;
};

/// First fit over the complete pools of the highest generation that a node can reach. Shared devices are given away by
/// the capacity that requests ask for, partitions by the counters that are left.
class Allocator {
 public:
  Allocator(const Inventory& inventory, std::string node);

  /// `status.allocation` for a claim, whose devices are then taken from this allocator. failedPrecondition if there are
  /// not enough devices; another code if it cannot be decided.
  Result<nlohmann::json> allocate(const nlohmann::json& claim);

 private:
  struct Candidate {
    DeviceId id;
    const nlohmann::json* device = nullptr;
    bool onNode = false;
  };
  struct Granted {
    nlohmann::json results = nlohmann::json::array();
    std::map<std::string, std::vector<std::string>> requestsByClass;
    std::vector<std::string> requests;  ///< `main` or `main/sub`.
    Usage usage;                        ///< With what is granted here.
    std::string claimUid;
    bool onNode = false;
  };

  void collect(const std::vector<nlohmann::json>& slices);
  Status grant(const nlohmann::json& request, const std::string& name, Granted& granted) const;
  Status grantFirst(const nlohmann::json& request, Granted& granted) const;
  bool grantDevice(const nlohmann::json& request, const std::string& name, const Candidate& candidate,
                   Granted& granted) const;
  Result<bool> suits(const nlohmann::json& request, const nlohmann::json& deviceClass,
                     const Candidate& candidate) const;
  nlohmann::json configs(const nlohmann::json& claim, const Granted& granted) const;

  const Inventory& inventory_;
  std::string node_;
  std::vector<Candidate> candidates_;
  Usage usage_;
};

}  // namespace simgpu::standin
