#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include <nlohmann/json.hpp>

#include "simgpu/base/quantity.h"

namespace simgpu::standin {

using DeviceId = std::tuple<std::string, std::string, std::string>;  ///< Driver, pool, device.
using Amounts = std::map<std::string, base::Quantity>;

/// What a request would consume of the capacities of a shared device (`capacity.requests`, rounded up as the request
/// policies say). Empty if the device cannot give that.
std::optional<Amounts> consumption(const nlohmann::json& device, const nlohmann::json& requests);

/// What allocations have taken of devices: all of one, shares, and what devices draw from the counters of their pool.
class Usage {
 public:
  /// The counters of a pool.
  void addCounterSet(const std::string& driver, const std::string& pool, const nlohmann::json& set);

  /// `consumed` is null if the whole device is taken.
  void take(const DeviceId& id, const nlohmann::json& device, const Amounts* consumed);

  /// Whether that could be taken.
  bool fits(const DeviceId& id, const nlohmann::json& device, const Amounts* consumed) const;

 private:
  using SetId = std::tuple<std::string, std::string, std::string>;  ///< Driver, pool, counter set.

  std::set<DeviceId> whole_;
  std::map<DeviceId, Amounts> shared_;
  std::map<SetId, Amounts> left_;  ///< Of each counter.
};

}  // namespace simgpu::standin
