#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json_fwd.hpp>

#include "simgpu/base/result.h"

namespace simgpu::device {

/// How containers share a GPU: `gpu.resource.example.com/v1alpha1 GpuConfig`, the opaque parameters of the reference
/// driver, normalised (exactly one of the two settings is there, the one that `strategy` names).
struct GpuConfig {
  std::string strategy = "TimeSlicing";          ///< `TimeSlicing` or `SpacePartitioning`.
  std::optional<std::string> timeSliceInterval;  ///< `Default`, `Short`, `Medium` or `Long`.
  std::optional<std::int64_t> partitionCount;
  bool bothSettings = false;  ///< The claim gave settings of the other strategy: refused when applied.

  bool operator==(const GpuConfig&) const = default;
};

/// failedPrecondition if the config has the settings of a strategy that is not its own, which no device accepts.
Status checkSettings(const GpuConfig& config);
/// How far a container may exceed its bandwidth for a moment: `net.resource.example.com/v1alpha1 NetConfig` of the
/// reference driver. In bits; 0: no limit of its own.
struct NetConfig {
  std::uint64_t ingressBurst = 0;
  std::uint64_t egressBurst = 0;

  bool operator==(const NetConfig&) const = default;
};

/// The opaque parameters of a device kind that accepts some; monostate for one that accepts none.
using Parameters = std::variant<std::monostate, GpuConfig, NetConfig>;

}  // namespace simgpu::device
