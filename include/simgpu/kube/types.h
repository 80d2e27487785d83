#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/quantity.h"

/// The Kubernetes objects that a DRA driver reads and writes, with the field names of `k8s.io/api`. Only the fields
/// that this program uses; json.h converts.
namespace simgpu::kube {

struct OwnerReference {
  std::string apiVersion;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;

  bool operator==(const OwnerReference&) const = default;
};

/// `metav1.ObjectMeta`
struct ObjectMeta {
  std::string name;
  std::string generateName;
  std::string space;  ///< `namespace`
  std::string uid;
  std::string resourceVersion;
  std::map<std::string, std::string> annotations;
  std::vector<OwnerReference> ownerReferences;

  bool operator==(const ObjectMeta&) const = default;
};

/// `resource.k8s.io/v1 DeviceAttribute`: exactly one member. `VersionValue` wraps the text of a semantic version. Lists
/// are never empty.
struct VersionValue {
  std::string text;

  bool operator==(const VersionValue&) const = default;
};
using DeviceAttribute = std::variant<std::int64_t, bool, std::string, VersionValue, std::vector<std::int64_t>,
                                     std::vector<bool>, std::vector<std::string>, std::vector<VersionValue>>;

/// `CapacityRequestPolicy`: what claims may ask for of a capacity that they share.
struct RequestPolicy {
  struct Range {
    std::optional<base::Quantity> min;
    std::optional<base::Quantity> max;
    std::optional<base::Quantity> step;

    bool operator==(const Range&) const = default;
  };

  std::optional<base::Quantity> standard;  ///< `default`
  std::vector<base::Quantity> validValues;
  std::optional<Range> validRange;

  bool operator==(const RequestPolicy&) const = default;
};

/// `CounterSet`
struct CounterSet {
  std::string name;
  std::map<std::string, base::Quantity> counters;

  bool operator==(const CounterSet&) const = default;
};

/// `DeviceCounterConsumption`
struct CounterConsumption {
  std::string counterSet;
  std::map<std::string, base::Quantity> counters;

  bool operator==(const CounterConsumption&) const = default;
};

/// `DeviceTaint`
struct DeviceTaint {
  std::string key;
  std::string value;
  std::string effect;
  std::string timeAdded;  ///< RFC 3339; the server sets it if it is empty.

  /// A time that only one side has does not count.
  bool operator==(const DeviceTaint& other) const;
};

/// `NodeAllocatableResourceMapping` of Kubernetes 1.36, and the mapping in `NodeAllocatableResource` since 1.37.
struct NodeAllocatableMapping {
  std::string capacityKey;                   ///< Empty: the device itself counts.
  std::optional<base::Quantity> multiplier;  ///< Absent equals 1 when comparing.

  bool operator==(const NodeAllocatableMapping& other) const;
};

/// `resource.k8s.io/v1 Device`. Fields that this program does not know are kept in `others`, so that a stored slice
/// with a foreign addition compares as different.
struct Device {
  std::string name;
  std::map<std::string, DeviceAttribute> attributes;
  std::map<std::string, base::Quantity> capacity;
  std::map<std::string, RequestPolicy> requestPolicies;  ///< By capacity.
  std::optional<bool> allowMultipleAllocations;          ///< Absent equals false when comparing.
  std::vector<CounterConsumption> consumesCounters;
  std::vector<DeviceTaint> taints;
  std::vector<std::string> bindingConditions;
  std::vector<std::string> bindingFailureConditions;
  std::map<std::string, NodeAllocatableMapping> nodeAllocatableResourceMappings;  ///< 1.36 only.
  std::map<std::string, NodeAllocatableMapping> nodeAllocatableResources;         ///< Since 1.37.
  nlohmann::json others = nlohmann::json::object();

  /// Semantic: quantities by value, absent and empty alike, as `resourceslice.DevicesDeepEqual` does.
  bool operator==(const Device& other) const;
};

struct ResourcePool {
  std::string name;
  std::int64_t generation = 0;
  std::int64_t resourceSliceCount = 1;

  bool operator==(const ResourcePool&) const = default;
};

/// `resource.k8s.io/v1 ResourceSlice`
struct ResourceSlice {
  ObjectMeta metadata;
  std::string driver;
  std::string nodeName;
  ResourcePool pool;
  std::vector<Device> devices;
  std::vector<CounterSet> sharedCounters;

  bool operator==(const ResourceSlice&) const = default;
};

/// What a list call answers, over all its pages.
struct ResourceSliceList {
  std::vector<ResourceSlice> items;
  std::string resourceVersion;  ///< Where a watch goes on.
};

/// Opaque parameters with their origin (`DeviceAllocationConfiguration`).
struct AllocationConfig {
  std::string source;  ///< `FromClass` or `FromClaim`.
  std::vector<std::string> requests;
  bool hasOpaque = false;
  std::string driver;
  nlohmann::json parameters;

  bool operator==(const AllocationConfig&) const = default;
};

/// `DeviceRequestAllocationResult`
struct AllocationResult {
  std::string request;  ///< `main` or `main/sub`.
  std::string driver;
  std::string pool;
  std::string device;
  bool adminAccess = false;
  std::string shareId;
  std::map<std::string, base::Quantity> consumedCapacity;
  std::vector<std::string> bindingConditions;
  std::vector<std::string> bindingFailureConditions;

  bool operator==(const AllocationResult&) const = default;
};

struct Allocation {
  std::vector<AllocationResult> results;
  std::vector<AllocationConfig> config;

  bool operator==(const Allocation&) const = default;
};

struct ClaimConsumer {
  std::string apiGroup;
  std::string resource;
  std::string name;
  std::string uid;

  bool operator==(const ClaimConsumer&) const = default;
};

/// `metav1.Condition`
struct Condition {
  std::string type;
  std::string status;  ///< `True`, `False` or `Unknown`.
  std::string reason;
  std::string message;
  std::string lastTransitionTime;  ///< `timeText`
  std::int64_t observedGeneration = 0;

  bool operator==(const Condition&) const = default;
};

/// `resource.k8s.io/v1 AllocatedDeviceStatus`, without network data. Driver, pool, device and share ID say which result
/// of the allocation it is about.
struct AllocatedDeviceStatus {
  std::string driver;
  std::string pool;
  std::string device;
  std::string shareId;
  std::vector<Condition> conditions;
  nlohmann::json data;  ///< An object; null if there is none.

  bool isAbout(const AllocationResult& result) const {
    return driver == result.driver && pool == result.pool && device == result.device && shareId == result.shareId;
  }
  bool operator==(const AllocatedDeviceStatus&) const = default;
};

/// `resource.k8s.io/v1 ResourceClaim`, as far as this program looks at it.
struct ResourceClaim {
  ObjectMeta metadata;
  std::optional<Allocation> allocation;
  std::vector<ClaimConsumer> reservedFor;
  std::vector<AllocatedDeviceStatus> devices;  ///< `status.devices`, of all drivers.

  bool operator==(const ResourceClaim&) const = default;
};

/// What a list call answers, over all its pages, of those that were wanted.
struct ResourceClaimList {
  std::vector<ResourceClaim> items;
  std::string resourceVersion;  ///< Where a watch goes on.
};

/// Whether a resourceVersion is from before another one. They are comparable numbers for resources of the API server
/// itself (since Kubernetes 1.35 by contract); false if one of them is none.
bool isOlderVersion(const std::string& version, const std::string& than);

/// What `GET /version` answers, as far as it matters: `1.36`.
struct ServerVersion {
  int major = 0;
  int minor = 0;

  auto operator<=>(const ServerVersion&) const = default;
};

/// `v1 Node`; only its identity.
struct Node {
  ObjectMeta metadata;
};

/// What a core/v1 Event is about.
struct ObjectReference {
  std::string apiVersion;
  std::string kind;
  std::string space;
  std::string name;
  std::string uid;
};

/// `v1 Event` as this program creates it.
struct Event {
  ObjectReference about;
  std::string type;  ///< `Normal` or `Warning`.
  std::string reason;
  std::string message;
  std::string component;  ///< Who says so, for example the driver name.
  std::string host;       ///< The node.
  std::chrono::system_clock::time_point time;
  std::chrono::system_clock::time_point lastTime{};  ///< Of the last repetition, if there was one.
  std::int64_t count = 1;
  std::string name{};  ///< Empty: `eventName`.
};

}  // namespace simgpu::kube
