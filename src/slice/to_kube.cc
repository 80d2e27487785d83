#include "slice/to_kube.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace simgpu::slice {
namespace {

constexpr kube::ServerVersion kTaintsWithoutEffect{.major = 1, .minor = 35};
constexpr kube::ServerVersion kListAttributes{.major = 1, .minor = 36};
constexpr kube::ServerVersion kNodeAllocatable{.major = 1, .minor = 36};
/// The field has another name and form since.
constexpr kube::ServerVersion kNodeAllocatableResources{.major = 1, .minor = 37};

void note(std::vector<std::string>& leftOut, std::string_view what) {
  if (std::ranges::find(leftOut, what) == leftOut.end()) {
    leftOut.emplace_back(what);
  }
}

kube::VersionValue valueOf(const device::Version& version) {
  return {version.text};
}
auto valueOf(const auto& value) {
  return value;
}

kube::DeviceAttribute attributeOf(const device::Attribute& attribute) {
  return std::visit(
      [](const auto& value) -> kube::DeviceAttribute {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::vector<device::Version>>) {
          std::vector<kube::VersionValue> versions;
          std::ranges::transform(value, std::back_inserter(versions), [](const auto& each) { return valueOf(each); });
          return versions;
        } else {
          return valueOf(value);
        }
      },
      attribute);
}

kube::RequestPolicy policyOf(const device::RequestPolicy& policy) {
  kube::RequestPolicy result{.standard = policy.standard, .validValues = policy.validValues, .validRange = {}};
  if (policy.validRange) {
    result.validRange = {.min = policy.validRange->min, .max = policy.validRange->max, .step = policy.validRange->step};
  }
  return result;
}

void addNodeAllocatable(const device::Device& device, const ServerFeatures& server, kube::Device& result,
                        std::vector<std::string>& leftOut) {
  for (const auto& [name, mapping] : device.nodeAllocatable) {
    kube::NodeAllocatableMapping converted{.capacityKey = mapping.capacity, .multiplier = mapping.multiplier};
    if (server.version < kNodeAllocatable) {
      note(leftOut, "what devices take of the node's own resources");
    } else if (server.version < kNodeAllocatableResources) {
      result.nodeAllocatableResourceMappings.emplace(name, std::move(converted));
    } else {
      converted.multiplier = converted.multiplier.value_or(base::Quantity::decimal(1));  // required by this form
      result.nodeAllocatableResources.emplace(name, std::move(converted));
    }
  }
}

}  // namespace

kube::Device toKube(const device::Device& device, const ServerFeatures& server, std::vector<std::string>& leftOut) {
  kube::Device result{.name = device.name};
  bool listsKnown = server.listAttributes && server.version >= kListAttributes;
  for (const auto& [name, value] : device.attributes) {
    if (isList(value) && !listsKnown) {
      note(leftOut, "attributes that are lists");
    } else {
      result.attributes.emplace(name, attributeOf(value));
    }
  }
  result.capacity = device.capacity;
  for (const auto& [name, policy] : device.requestPolicies) {
    result.requestPolicies.emplace(name, policyOf(policy));
  }
  result.allowMultipleAllocations = device.allowMultipleAllocations;
  if (!device.counterSet.empty()) {
    result.consumesCounters.push_back({.counterSet = device.counterSet, .counters = device.counters});
  }
  for (const device::Taint& taint : device.taints) {
    if (taint.effect == "None" && server.version < kTaintsWithoutEffect) {
      note(leftOut, "taints with the effect None");
    } else {
      result.taints.push_back({.key = taint.key, .value = taint.value, .effect = taint.effect, .timeAdded = {}});
    }
  }
  result.bindingConditions = device.bindingConditions;
  result.bindingFailureConditions = device.bindingFailureConditions;
  addNodeAllocatable(device, server, result, leftOut);
  return result;
}

kube::CounterSet toKube(const device::CounterSet& set) {
  return {.name = set.name, .counters = set.counters};
}

}  // namespace simgpu::slice
