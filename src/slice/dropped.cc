#include "slice/dropped.h"

#include <algorithm>

#include <fmt/format.h>

namespace simgpu::slice {
namespace {

/// The first key whose value is not the same in both.
template <typename Map>
std::string firstKey(const Map& sent, const Map& stored) {
  auto differs = [&](const auto& entry, const Map& other) {
    auto found = other.find(entry.first);
    return found == other.end() || !(found->second == entry.second);
  };
  for (const auto* maps : {&sent, &stored}) {
    const Map& other = maps == &sent ? stored : sent;
    auto entry = std::ranges::find_if(*maps, [&](const auto& each) { return differs(each, other); });
    if (entry != maps->end()) {
      return entry->first;
    }
  }
  return {};
}

std::string firstField(const kube::Device& sent, const kube::Device& stored) {
  if (std::string name = firstKey(sent.attributes, stored.attributes); !name.empty()) {
    return "attribute " + name;
  }
  if (std::string name = firstKey(sent.capacity, stored.capacity); !name.empty()) {
    return "capacity " + name;
  }
  if (std::string name = firstKey(sent.requestPolicies, stored.requestPolicies); !name.empty()) {
    return "requestPolicy of capacity " + name;
  }
  if (sent.allowMultipleAllocations.value_or(false) != stored.allowMultipleAllocations.value_or(false)) {
    return "allowMultipleAllocations";
  }
  if (sent.consumesCounters != stored.consumesCounters) {
    return "consumesCounters";
  }
  if (sent.taints != stored.taints) {
    return "taints";
  }
  if (sent.bindingConditions != stored.bindingConditions ||
      sent.bindingFailureConditions != stored.bindingFailureConditions) {
    return "bindingConditions";
  }
  if (sent.nodeAllocatableResourceMappings != stored.nodeAllocatableResourceMappings) {
    return "nodeAllocatableResourceMappings";
  }
  if (sent.nodeAllocatableResources != stored.nodeAllocatableResources) {
    return "nodeAllocatableResources";
  }
  return "another field";
}

std::string firstDevice(const std::vector<kube::Device>& sent, const std::vector<kube::Device>& stored) {
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (i >= stored.size() || stored[i].name != sent[i].name) {
      return fmt::format("device {}", sent[i].name);
    }
    if (!(stored[i] == sent[i])) {
      return fmt::format("{} of device {}", firstField(sent[i], stored[i]), sent[i].name);
    }
  }
  return stored.size() > sent.size() ? fmt::format("device {}", stored[sent.size()].name) : "";
}

}  // namespace

std::string firstDifference(const kube::ResourceSlice& sent, const kube::ResourceSlice& stored) {
  return sent.sharedCounters == stored.sharedCounters ? firstDevice(sent.devices, stored.devices) : "sharedCounters";
}

kube::Occurrence fieldsDropped(const kube::ResourceSlice& sent, const kube::ResourceSlice& stored) {
  const auto& owners = sent.metadata.ownerReferences;
  return {
      .about = {.apiVersion = "v1",
                .kind = "Node",
                .space = "",
                .name = sent.nodeName,
                .uid = owners.empty() ? "" : owners.front().uid},
      .type = "Warning",
      .reason = "DeviceFieldsDropped",
      .message = fmt::format("The API server dropped fields of the devices of driver {}, so the scheduler does not "
                             "see them; the first is {}. It is probably too old, or a feature gate is off. When that "
                             "was changed, restart the driver.",
                             sent.driver, firstDifference(sent, stored))};
}

}  // namespace simgpu::slice
