#pragma once

#include <nlohmann/json.hpp>

#include "kube/json_node.h"
#include "simgpu/kube/types.h"

namespace simgpu::kube {

nlohmann::json deviceJson(const Device& device);
Device deviceFrom(const JsonNode& node);

nlohmann::json counterSetJson(const CounterSet& set);
CounterSet counterSetFrom(const JsonNode& node);

}  // namespace simgpu::kube
