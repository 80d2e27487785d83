#pragma once

#include <string>
#include <vector>

#include "simgpu/base/clock.h"

namespace simgpu::claim {

/// A ResourceClaim as the kubelet names it.
struct ClaimRef {
  std::string space;  ///< Namespace.
  std::string name;
  std::string uid;

  bool operator==(const ClaimRef&) const = default;
};

/// One allocated device of a claim, ready to be given to containers (`DRAPlugin` message `Device`).
struct PreparedDevice {
  std::vector<std::string> requests;  ///< Names of main requests, without subrequest. Empty: every request.
  std::string pool;
  std::string device;
  std::string shareId;              ///< Empty: not shared by several claims.
  std::vector<std::string> cdiIds;  ///< `vendor/class=name`, in the order in which the runtime applies them.

  bool operator==(const PreparedDevice&) const = default;
};

/// What a Prepare answers.
struct PreparedClaim {
  ClaimRef claim;
  std::vector<PreparedDevice> devices;  ///< In the order of the allocation's results.

  bool operator==(const PreparedClaim&) const = default;
};

}  // namespace simgpu::claim
