#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "simgpu/base/result.h"
#include "webhook/review.h"

namespace simgpu::webhook {

/// An entry of `devices.config` that has opaque parameters.
struct Config {
  std::size_t index = 0;
  std::string driver;
  nlohmann::json parameters;  ///< Null if there are none.
};

/// What a claim or a template wants to tell drivers.
struct ClaimConfigs {
  std::string specPath;  ///< `spec`, or `spec.spec` in a template.
  std::vector<Config> configs;
};

/// The configs of the reviewed object. Claims and templates of `resource.k8s.io/v1`, `v1beta2` and `v1beta1` have them
/// in the same place. invalidArgument, in the words of the reference driver, for other resources, and for objects with
/// something else in that place. Without an object there are none.
Result<ClaimConfigs> claimConfigs(const Review& review);

}  // namespace simgpu::webhook
