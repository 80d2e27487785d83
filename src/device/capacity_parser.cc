#include <algorithm>

#include "device/profile_fields.h"
#include "device/syntax.h"

namespace simgpu::device {
namespace {

constexpr std::size_t kMaxValidValues = 10;

/// The API server divides by the step.
base::Quantity readStep(const YamlValue& value) {
  base::Quantity step = readQuantity(value);
  if (step == base::Quantity()) {
    value.mismatch("a quantity of more than 0");
  }
  return step;
}

PolicyData::Range readRange(const YamlValue& value) {
  YamlMapping fields(value, {"min", "max", "step"});
  PolicyData::Range range;
  if (const YamlValue* min = fields.require("min")) {
    range.min = readQuantity(*min);
  }
  if (const YamlValue* max = fields.find("max")) {
    range.max = readQuantity(*max);
  }
  if (const YamlValue* step = fields.find("step")) {
    range.step = readStep(*step);
  }
  return range;
}

std::vector<base::Quantity> readValidValues(const YamlValue& value) {
  std::vector<base::Quantity> values;
  for (const YamlValue& item : boundedList(value)) {
    values.push_back(readQuantity(item));
  }
  bool ascending = std::ranges::adjacent_find(values, std::greater_equal<>()) == values.end();
  if (values.empty() || values.size() > kMaxValidValues || !ascending) {
    value.problem(fmt::format("expected 1 to {} quantities in ascending order", kMaxValidValues));
  }
  return values;
}

PolicyData readPolicy(const YamlValue& value) {
  YamlMapping fields(value, {"default", "validValues", "validRange"});
  PolicyData policy;
  if (const YamlValue* standard = fields.find("default")) {
    policy.standard = readQuantity(*standard);
  }
  const YamlValue* values = fields.find("validValues");
  const YamlValue* range = fields.find("validRange");
  if ((values == nullptr) == (range == nullptr)) {
    value.problem("expected either validValues or validRange");
    return policy;
  }
  if (values != nullptr) {
    policy.validValues = readValidValues(*values);
  } else {
    policy.validRange = readRange(*range);
  }
  return policy;
}

/// Whether the name is allowed, with whatever driver name in front.
bool isCapacityName(const Template& name) {
  NodeContext node{.nodeName = "node", .driverName = "driver.example.com", .numDevices = {}};
  Values values;
  values.node = &node;
  std::string text;
  return name.append(values, text) && isQualifiedName(text);
}

}  // namespace

CapacityData readCapacity(const std::string& name, const YamlValue& value) {
  CapacityData capacity;
  auto compiled = Template::compile(name, Place::capacityName);
  if (!compiled || !isCapacityName(*compiled)) {
    value.problem(
        "expected as name a C identifier of at most 32 bytes, optionally after a domain or ${driver.name} and '/'");
    return capacity;
  }
  capacity.name = *std::move(compiled);
  if (!value.isMapping()) {
    capacity.value = readQuantity(value);
    return capacity;
  }
  YamlMapping fields(value, {"value", "valueFrom", "requestPolicy"});
  if (const YamlValue* quantity = fields.require("value")) {
    capacity.value = readQuantity(*quantity);
  }
  if (const YamlValue* from = fields.find("valueFrom")) {
    capacity.from = readSetting(*from);
  }
  if (const YamlValue* policy = fields.find("requestPolicy")) {
    capacity.policy = readPolicy(*policy);
  }
  return capacity;
}

}  // namespace simgpu::device
