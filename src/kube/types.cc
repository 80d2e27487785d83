#include "simgpu/kube/types.h"

#include <charconv>

namespace simgpu::kube {
namespace {

using nlohmann::json;

bool empty(const json& value) {
  return value.is_null() || (value.is_structured() && value.empty());
}

/// Without null, `[]` and `{}`, which the API does not tell from absent.
json withoutEmpty(const json& value) {
  if (!value.is_structured()) {
    return value;
  }
  json kept = value.is_array() ? json::array() : json::object();
  for (const auto& [key, member] : value.items()) {
    auto inner = withoutEmpty(member);
    if (value.is_array()) {
      kept.push_back(std::move(inner));
    } else if (!empty(inner)) {
      kept[key] = std::move(inner);
    }
  }
  return kept;
}

std::optional<std::uint64_t> numberIn(const std::string& text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool sameOthers(const json& a, const json& b) {
  if (empty(a) && empty(b)) {
    return true;
  }
  return withoutEmpty(a) == withoutEmpty(b);
}

}  // namespace

bool isOlderVersion(const std::string& version, const std::string& than) {
  auto left = numberIn(version);
  auto right = numberIn(than);
  return left && right && *left < *right;
}

bool DeviceTaint::operator==(const DeviceTaint& other) const {
  bool sameTime = timeAdded == other.timeAdded || timeAdded.empty() || other.timeAdded.empty();
  return key == other.key && value == other.value && effect == other.effect && sameTime;
}

bool NodeAllocatableMapping::operator==(const NodeAllocatableMapping& other) const {
  const base::Quantity once = base::Quantity::decimal(1);
  return capacityKey == other.capacityKey && multiplier.value_or(once) == other.multiplier.value_or(once);
}

bool Device::operator==(const Device& other) const {
  return name == other.name && attributes == other.attributes && capacity == other.capacity &&
         requestPolicies == other.requestPolicies &&
         allowMultipleAllocations.value_or(false) == other.allowMultipleAllocations.value_or(false) &&
         consumesCounters == other.consumesCounters && taints == other.taints &&
         bindingConditions == other.bindingConditions && bindingFailureConditions == other.bindingFailureConditions &&
         nodeAllocatableResourceMappings == other.nodeAllocatableResourceMappings &&
         nodeAllocatableResources == other.nodeAllocatableResources && sameOthers(others, other.others);
}

}  // namespace simgpu::kube
