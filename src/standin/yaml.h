#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"

namespace simgpu::standin {

/// One YAML document (JSON is one, too) as the API server understands it: plain scalars become numbers, booleans or
/// null by YAML 1.1's rules as far as Kubernetes follows them.
Result<nlohmann::json> yamlToJson(std::string_view text);

}  // namespace simgpu::standin
