#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
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

/// The value of a device attribute (`resource.k8s.io/v1 DeviceAttribute`): one value, or a list of at least one.
using Attribute = std::variant<std::int64_t, bool, std::string, Version, std::vector<std::int64_t>, std::vector<bool>,
                               std::vector<std::string>, std::vector<Version>>;

/// What claims may ask for of a capacity that several of them share (`resource.k8s.io/v1 CapacityRequestPolicy`).
struct RequestPolicy {
  struct Range {
    base::Quantity min;
    base::Quantity max;
    std::optional<base::Quantity> step;

    bool operator==(const Range&) const = default;
  };

  base::Quantity standard;  ///< What a claim gets that asks for nothing: `default`.
  std::vector<base::Quantity> validValues;
  std::optional<Range> validRange;

  bool operator==(const RequestPolicy&) const = default;
};

/// `resource.k8s.io/v1 DeviceTaint`
struct Taint {
  std::string key;
  std::string value;
  std::string effect;  ///< `NoSchedule`, `NoExecute` or `None`.

  bool operator==(const Taint&) const = default;
};

/// How much of a resource of the node itself (`cpu`, `memory`) an allocation of a device takes up.
struct NodeAllocatable {
  std::string capacity;                      ///< What is consumed of this capacity; empty: the device counts.
  std::optional<base::Quantity> multiplier;  ///< Times this; absent: once.

  bool operator==(const NodeAllocatable&) const = default;
};

/// One simulated device as the scheduler sees it. Names and limits are those of `resource.k8s.io/v1 Device`.
struct Device {
  std::string name;                             ///< DNS label, unique in the pool.
  std::string kind;                             ///< The entry of the profile that it comes from.
  std::map<std::string, Attribute> attributes;  ///< By name, unqualified or `domain/name`.
  std::map<std::string, base::Quantity> capacity;
  bool allowMultipleAllocations = false;

  // What the profile's templates may refer to beside the above.
  std::size_t index = 0;  ///< Position among the devices of its kind; of a partition, its parent's.
  std::string uuid;       ///< The node's UUID for this device, without prefix.

  std::map<std::string, RequestPolicy> requestPolicies = {};  ///< By capacity; empty unless claims may share it.

  /// The simulated hardware that this device is, or is a part of; two devices of one parent may exclude each other.
  /// Equals the name unless the hardware is partitioned.
  std::string parent = {};
  std::string counterSet = {};  ///< Of the parent, if it is partitioned: what its devices draw from.
  std::map<std::string, base::Quantity> counters = {};  ///< What this device draws from it.

  std::vector<Taint> taints = {};
  std::vector<std::string> bindingConditions = {};
  std::vector<std::string> bindingFailureConditions = {};
  std::map<std::string, NodeAllocatable> nodeAllocatable = {};  ///< By the name of the node's resource.

  bool operator==(const Device&) const = default;
};

/// What the partitions of one piece of hardware share (`resource.k8s.io/v1 CounterSet`).
struct CounterSet {
  std::string name;
  std::map<std::string, base::Quantity> counters;

  bool operator==(const CounterSet&) const = default;
};

}  // namespace simgpu::device
