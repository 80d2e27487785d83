#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "simgpu/base/quantity.h"

namespace simgpu::device {

/// A semantic version attribute; text in the syntax of semver.org 2.0.0.
struct Version {
  std::string text;

  bool operator==(const Version&) const = default;
};

/// The value of a device attribute (`resource.k8s.io/v1 DeviceAttribute`).
using Attribute = std::variant<std::int64_t, bool, std::string, Version>;

/// One simulated device as the scheduler sees it. Names and limits are those of `resource.k8s.io/v1 Device`.
struct Device {
  std::string name;                             ///< DNS label, unique in the pool.
  std::string kind;                             ///< The entry of the profile that it comes from.
  std::map<std::string, Attribute> attributes;  ///< By name, unqualified or `domain/name`.
  std::map<std::string, base::Quantity> capacity;
  bool allowMultipleAllocations = false;

  // What the profile's templates may refer to beside the above.
  std::size_t index = 0;  ///< Position among the devices of its kind.
  std::string uuid;       ///< The node's UUID for this device, without prefix.

  bool operator==(const Device&) const = default;
};

}  // namespace simgpu::device
