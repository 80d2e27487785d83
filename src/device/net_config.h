#pragma once

#include <nlohmann/json_fwd.hpp>

#include "simgpu/base/result.h"
#include "simgpu/device/parameters.h"

namespace simgpu::device {

/// Decodes `net.resource.example.com/v1alpha1 NetConfig` as the reference driver does: strictly, then with defaults for
/// what is missing, then validated. The messages are the reference's, with `error decoding config parameters: ` (code
/// invalidArgument) or `error validating Net config: ` (code failedPrecondition) in front.
Result<NetConfig> decodeNetConfig(const nlohmann::json& parameters);

}  // namespace simgpu::device
