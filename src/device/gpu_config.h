#pragma once

#include <nlohmann/json_fwd.hpp>

#include "simgpu/base/result.h"
#include "simgpu/device/parameters.h"

namespace simgpu::device {

/// Decodes `gpu.resource.example.com/v1alpha1 GpuConfig` as the reference driver does: strictly, then with defaults for
/// what is missing, then validated. The messages are the reference's, with `error decoding config parameters: ` (code
/// invalidArgument) or `error validating GPU config: ` (code failedPrecondition) in front. JSON that was parsed already
/// does not show a repeated key, and its keys have no order: several unknown fields are named in alphabetical order.
Result<GpuConfig> decodeGpuConfig(const nlohmann::json& parameters);

/// failedPrecondition if the config carries the settings of the other strategy too.
Status checkApplicable(const GpuConfig& config, std::string_view deviceName);

}  // namespace simgpu::device
