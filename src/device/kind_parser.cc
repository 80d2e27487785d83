#include <algorithm>

#include "device/profile_fields.h"
#include "device/syntax.h"

namespace simgpu::device {
namespace {

constexpr std::size_t kMaxTaints = 16;
constexpr std::size_t kMaxConditions = 4;
constexpr std::string_view kSharingFlag = "gpu-allow-multiple-allocations";

Count readCount(const YamlValue* value, const YamlValue* from) {
  Count count;
  if (value != nullptr) {
    count.standard = value->number(Profile::kMaxDevices);
  }
  if (from != nullptr) {
    count.from = readSetting(*from);
  }
  return count;
}

FormData readForm(const YamlValue* value, Place namePlace, Place attributePlace) {
  FormData form;
  if (value == nullptr) {
    return form;
  }
  YamlMapping fields(*value, {"name", "attributes"});
  form.name = readTemplate(fields.require("name"), namePlace);
  if (const YamlValue* attributes = fields.find("attributes")) {
    form.attributes = readAttributes(*attributes, attributePlace);
  }
  return form;
}

PartitionsData readPartitions(const YamlValue& value) {
  YamlMapping fields(value, {"count", "countFrom", "counterSet", "part", "whole"});
  PartitionsData partitions;
  partitions.count = readCount(fields.require("count"), fields.find("countFrom"));
  partitions.counterSet = readTemplate(fields.require("counterSet"), Place::wholeName);
  partitions.part = readForm(fields.require("part"), Place::partName, Place::partAttribute);
  partitions.whole = readForm(fields.require("whole"), Place::wholeName, Place::attribute);
  return partitions;
}

std::vector<Taint> readTaints(const YamlValue& value) {
  std::vector<Taint> taints;
  for (const YamlValue& item : boundedList(value)) {
    YamlMapping fields(item, {"key", "value", "effect"});
    Taint taint;
    taint.key = checkedText(fields.require("key"), isLabelName, "a label name such as example.com/unhealthy");
    taint.value = checkedText(fields.find("value"), isLabelValue, "a label value of at most 63 bytes");
    taint.effect = checkedText(
        fields.require("effect"),
        [](std::string_view text) { return text == "NoSchedule" || text == "NoExecute" || text == "None"; },
        "NoSchedule, NoExecute or None");
    taints.push_back(std::move(taint));
  }
  if (taints.size() > kMaxTaints) {
    value.problem(fmt::format("expected at most {} taints, found {}", kMaxTaints, taints.size()));
  }
  return taints;
}

std::vector<std::string> readConditions(const YamlValue* value) {
  std::vector<std::string> conditions;
  if (value == nullptr) {
    return conditions;
  }
  for (const YamlValue& item : boundedList(*value)) {
    std::string condition = checkedText(&item, isLabelName, "a label name such as example.com/ready");
    if (std::ranges::find(conditions, condition) != conditions.end()) {
      item.problem(fmt::format("expected each condition once, found \"{}\" twice", condition));
    }
    conditions.push_back(std::move(condition));
  }
  if (conditions.empty() || conditions.size() > kMaxConditions) {
    value->problem(fmt::format("expected 1 to {} conditions, found {}", kMaxConditions, conditions.size()));
  }
  return conditions;
}

void readBindingConditions(const YamlValue& value, const YamlMapping& fields, KindData& kind) {
  kind.bindingConditions = readConditions(fields.find("bindingConditions"));
  kind.bindingFailureConditions = readConditions(fields.find("bindingFailureConditions"));
  if (kind.bindingConditions.empty() != kind.bindingFailureConditions.empty()) {
    value.problem("expected bindingConditions and bindingFailureConditions, found only one of them");
  }
  for (const std::string& condition : kind.bindingConditions) {
    if (std::ranges::find(kind.bindingFailureConditions, condition) != kind.bindingFailureConditions.end()) {
      value.problem(fmt::format("expected \"{}\" either as binding condition or as failure condition", condition));
    }
  }
}

std::vector<NodeAllocatableData> readNodeAllocatable(const YamlValue& value, const KindData& kind) {
  std::vector<NodeAllocatableData> resources;
  for (const auto& [name, content] : value.members()) {
    NodeAllocatableData resource{.resource = name, .capacity = {}, .multiplier = {}};
    if (!isLabelName(name) || name.contains('/')) {
      content.problem("expected as name a resource of nodes such as cpu");
    }
    YamlMapping fields(content, {"capacity", "multiplier"});
    const YamlValue* capacity = fields.find("capacity");
    const YamlValue* multiplier = fields.find("multiplier");
    if (capacity == nullptr && multiplier == nullptr) {
      content.problem("expected capacity or multiplier, found neither");
    }
    if (capacity != nullptr) {
      resource.capacity = readTemplate(capacity, Place::capacityName);
      if (!kind.capacity.contains(capacity->text())) {
        capacity->mismatch("a capacity of this kind");
      }
    }
    if (multiplier != nullptr) {
      resource.multiplier = readQuantity(*multiplier);
    }
    resources.push_back(std::move(resource));
  }
  return resources;
}

ParametersType readParameters(const YamlValue& value) {
  std::string name = value.text();
  if (name == "GpuConfig") {
    return ParametersType::gpuConfig;
  }
  if (name == "NetConfig") {
    return ParametersType::netConfig;
  }
  value.mismatch("GpuConfig or NetConfig");
  return ParametersType::none;
}

Place envPlace(ParametersType parameters) {
  switch (parameters) {
    case ParametersType::gpuConfig:
      return Place::envValueOfGpuConfig;
    case ParametersType::netConfig:
      return Place::envValueOfNetConfig;
    case ParametersType::none:
      break;
  }
  return Place::envValue;
}

void checkPartitions(const YamlValue& value, const KindData& kind) {
  if (kind.capacity.empty()) {
    value.problem("expected a capacity to divide, found none");
  }
  for (const auto& [name, capacity] : kind.capacity) {
    if (!isDnsLabel(name)) {
      value.problem(fmt::format(
          "expected capacities whose names can be counters (lower case letters, digits and -), found \"{}\"", name));
    }
  }
}

std::size_t attributesBeside(const KindData& kind) {
  std::size_t most = 0;
  if (kind.partitions) {
    for (const FormData* form : {&kind.partitions->part, &kind.partitions->whole}) {
      most = std::max<std::size_t>(most, std::ranges::count_if(form->attributes, [&](const auto& attribute) {
                                     return !kind.attributes.contains(attribute.first);
                                   }));
    }
  }
  return most;
}

/// What involves several fields of a kind.
void checkKind(const YamlValue& value, const YamlMapping& fields, const KindData& kind) {
  std::size_t properties = kind.attributes.size() + attributesBeside(kind) + kind.capacity.size();
  if (properties > kMaxAttributesAndCapacities) {
    value.problem(fmt::format("expected at most {} attributes and capacities, found {}", kMaxAttributesAndCapacities,
                              properties));
  }
  bool shareable = kind.allowMultipleAllocations || kind.shareableByFlag;
  for (const auto& [name, capacity] : kind.capacity) {
    if (capacity.policy && !shareable) {
      fields.find("capacity")
          ->problem(
              fmt::format("expected a requestPolicy only where claims may share a device, found one for {}", name));
    }
  }
  for (const EnvTemplate& entry : kind.env) {
    for (std::string_view capacity : entry.value.consumed()) {
      if (!kind.capacity.contains(std::string(capacity))) {
        fields.find("env")->problem(
            fmt::format("expected a capacity of this kind in ${{consumed.…}}, found \"{}\"", capacity));
      }
    }
  }
  // A CDI device without edits would make the runtime refuse the whole file.
  if (std::ranges::all_of(kind.env, [](const EnvTemplate& entry) { return entry.value.canBeAbsent(); })) {
    value.problem("env: expected at least one variable that every device sets, found none");
  }
}

/// Who may have a device: one claim or several, and what keeps pods from it.
void readUse(const YamlValue& value, const YamlMapping& fields, KindData& kind) {
  if (const YamlValue* allow = fields.find("allowMultipleAllocations")) {
    kind.allowMultipleAllocations = allow->boolean();
  }
  if (const YamlValue* from = fields.find("allowMultipleAllocationsFrom")) {
    checkedText(from, [](std::string_view text) { return text == kSharingFlag; }, kSharingFlag);
    kind.shareableByFlag = true;
  }
  if (const YamlValue* taints = fields.find("taints")) {
    kind.taints = readTaints(*taints);
  }
  readBindingConditions(value, fields, kind);
}

}  // namespace

KindData readKind(const YamlValue& value) {
  YamlMapping fields(value, {"kind", "name", "count", "countFrom", "attributes", "capacity", "allowMultipleAllocations",
                             "allowMultipleAllocationsFrom", "partitions", "taints", "bindingConditions",
                             "bindingFailureConditions", "nodeAllocatable", "parameters", "env"});
  KindData kind;
  kind.kind = checkedText(fields.require("kind"), isDnsLabel, "a name of lower case letters, digits and -");
  kind.name = readTemplate(fields.require("name"), Place::deviceName);
  kind.count = readCount(fields.require("count"), fields.find("countFrom"));
  if (const YamlValue* attributes = fields.find("attributes")) {
    kind.attributes = readAttributes(*attributes, Place::attribute);
  }
  if (const YamlValue* capacities = fields.find("capacity")) {
    for (const auto& [name, capacity] : capacities->members()) {
      kind.capacity[name] = readCapacity(name, capacity);
    }
  }
  readUse(value, fields, kind);
  if (const YamlValue* partitions = fields.find("partitions")) {
    kind.partitions = readPartitions(*partitions);
    checkPartitions(*partitions, kind);
  }
  if (const YamlValue* resources = fields.find("nodeAllocatable")) {
    kind.nodeAllocatable = readNodeAllocatable(*resources, kind);
  }
  if (const YamlValue* parameters = fields.find("parameters")) {
    kind.parameters = readParameters(*parameters);
  }
  kind.env = readEnv(fields.require("env"), envPlace(kind.parameters));
  checkKind(value, fields, kind);
  return kind;
}

}  // namespace simgpu::device
