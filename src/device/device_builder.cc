#include "device/device_builder.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "device/request_policy.h"
#include "device/syntax.h"

namespace simgpu::device {
namespace {

/// What the reference driver names them.
constexpr const char* kBindingCondition = "BindingConditions";
constexpr const char* kBindingFailureCondition = "BindingFailureConditions";

Result<std::int64_t> toInteger(const std::string& text) {
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return unexpected(Status::invalidArgument("expected a whole number, found \"{}\"", text));
  }
  return number;
}

Result<bool> toBoolean(const std::string& text) {
  if (text != "true" && text != "false") {
    return unexpected(Status::invalidArgument("expected true or false, found \"{}\"", text));
  }
  return text == "true";
}

Result<std::string> toText(const std::string& text) {
  if (text.size() > kMaxAttributeValueLength) {
    return unexpected(
        Status::invalidArgument("expected at most {} bytes, found {}", kMaxAttributeValueLength, text.size()));
  }
  return text;
}

Result<Version> toVersion(const std::string& text) {
  if (!isSemanticVersion(text)) {
    return unexpected(Status::invalidArgument(
        "expected a semantic version such as 1.0.0 of at most {} bytes, found \"{}\"", kMaxAttributeValueLength, text));
  }
  return Version{text};
}

/// One value, or a list of all.
template <typename Convert>
Result<Attribute> makeAttribute(const std::vector<std::string>& texts, bool list, Convert convert) {
  using Value = typename decltype(convert(texts.front()))::value_type;
  std::vector<Value> values;
  for (const std::string& text : texts) {
    auto value = convert(text);
    if (!value) {
      return unexpected(value.error());
    }
    values.push_back(*std::move(value));
  }
  return list ? Attribute(std::move(values)) : Attribute(Value(values.front()));
}

Result<Attribute> makeAttribute(const AttributeTemplate& source, const Values& values, std::size_t index) {
  std::vector<std::string> texts;
  if (source.list) {
    for (const Template& value : source.values) {
      value.append(values, texts.emplace_back());
    }
  } else {
    source.values[index % source.values.size()].append(values, texts.emplace_back());
  }
  switch (source.type) {
    case AttributeType::integer:
      return makeAttribute(texts, source.list, toInteger);
    case AttributeType::boolean:
      return makeAttribute(texts, source.list, toBoolean);
    case AttributeType::version:
      return makeAttribute(texts, source.list, toVersion);
    case AttributeType::string:
      break;
  }
  return makeAttribute(texts, source.list, toText);
}

std::string textOf(const Template& source, const NodeContext& node) {
  Values values;
  values.node = &node;
  std::string text;
  source.append(values, text);
  return text;
}

template <typename T>
std::size_t valuesIn(const std::vector<T>& list) {
  return list.size();
}
std::size_t valuesIn(const auto& /*single*/) {
  return 1;
}

/// The values of all attributes together, those of lists counted one by one.
std::size_t attributeValues(const Device& device) {
  std::size_t count = 0;
  for (const auto& [name, attribute] : device.attributes) {
    count += std::visit([](const auto& value) { return valuesIn(value); }, attribute);
  }
  return count;
}

/// Builds the devices of one piece of hardware.
class Builder {
 public:
  Builder(const KindData& kind, const NodeContext& node) : kind_(kind), node_(node) {}

  Result<std::vector<Device>> build(std::size_t index, std::string uuid) const {
    Device hardware = blank(index, std::move(uuid));
    if (Status named = setName(hardware, kind_.name, valuesOf(node_, hardware)); !named) {
      return unexpected(named);
    }
    hardware.parent = hardware.name;
    for (const auto& [key, capacity] : kind_.capacity) {
      bool replaced = capacity.from != nullptr && (node_.*capacity.from).has_value();
      hardware.capacity[textOf(capacity.name, node_)] =
          replaced ? base::Quantity::decimal(static_cast<std::int64_t>(*(node_.*capacity.from))) : capacity.value;
    }
    std::size_t parts = kind_.partitions ? kind_.partitions->count.on(node_) : 0;
    if (parts > 0) {
      return divide(hardware, parts);
    }
    if (Status finished = finish(hardware, nullptr, 0, Size::whole); !finished) {
      return unexpected(finished);
    }
    return std::vector{std::move(hardware)};
  }

 private:
  enum class Size { whole, part };

  /// All that does not depend on name and size.
  Device blank(std::size_t index, std::string uuid) const {
    Device device{.name = {},
                  .kind = kind_.kind,
                  .attributes = {},
                  .capacity = {},
                  .allowMultipleAllocations =
                      kind_.allowMultipleAllocations || (kind_.shareableByFlag && node_.gpuAllowMultipleAllocations),
                  .index = index,
                  .uuid = std::move(uuid),
                  .taints = kind_.taints,
                  .bindingConditions = kind_.bindingConditions,
                  .bindingFailureConditions = kind_.bindingFailureConditions};
    if (node_.bindingConditions && device.bindingConditions.empty()) {
      device.bindingConditions = {kBindingCondition};
      device.bindingFailureConditions = {kBindingFailureCondition};
    }
    for (const NodeAllocatableData& resource : kind_.nodeAllocatable) {
      device.nodeAllocatable[resource.resource] = {
          .capacity = resource.capacity ? textOf(*resource.capacity, node_) : "", .multiplier = resource.multiplier};
    }
    return device;
  }

  Status setName(Device& device, const Template& source, const Values& values) const {
    std::string name;
    if (!source.append(values, name) || !isDnsLabel(name)) {
      return Status::invalidArgument(
          "device {} of kind {}: name: expected at most {} lower case letters, digits and '-', found \"{}\"",
          device.index, kind_.kind, kMaxLabelLength, name);
    }
    device.name = std::move(name);
    return {};
  }

  Status finish(Device& device, const FormData* form, std::size_t partition, Size size) const {
    if (Status added = addAttributes(device, kind_.attributes, partition); !added) {
      return added.with("device {}", device.name);
    }
    if (Status added = form == nullptr ? Status() : addAttributes(device, form->attributes, partition); !added) {
      return added.with("device {}", device.name);
    }
    std::size_t values = attributeValues(device);
    if (values > kMaxAttributeValues) {
      return Status::invalidArgument("device {}: attributes: expected at most {} values in all, found {}", device.name,
                                     kMaxAttributeValues, values);
    }
    return setPolicies(device, size).with("device {}", device.name);
  }

  Status addAttributes(Device& device, const std::map<std::string, AttributeTemplate>& attributes,
                       std::size_t partition) const {
    Values values = valuesOf(node_, device);
    values.partition = partition;
    for (const auto& [name, source] : attributes) {
      auto attribute = makeAttribute(source, values, device.index);
      if (!attribute) {
        return attribute.error().with("attributes.{}", name);
      }
      device.attributes[name] = *std::move(attribute);
    }
    return {};
  }

  Status setPolicies(Device& device, Size size) const {
    if (!device.allowMultipleAllocations) {
      return {};
    }
    for (const auto& [key, capacity] : kind_.capacity) {
      if (!capacity.policy) {
        continue;
      }
      std::string name = textOf(capacity.name, node_);
      const base::Quantity& value = device.capacity.at(name);
      auto policy = size == Size::whole ? makePolicy(*capacity.policy, value)
                                        : Result<RequestPolicy>(fitPolicy(*capacity.policy, value));
      if (!policy) {
        return policy.error().with("capacity.{}", name);
      }
      device.requestPolicies.emplace(std::move(name), *std::move(policy));
    }
    return {};
  }

  Result<std::vector<Device>> divide(Device hardware, std::size_t parts) const {
    const PartitionsData& partitions = *kind_.partitions;
    Values values = valuesOf(node_, hardware);
    partitions.counterSet.append(values, hardware.counterSet);
    if (!isDnsLabel(hardware.counterSet)) {
      return unexpected(Status::invalidArgument(
          "device {}: partitions.counterSet: expected at most {} lower case letters, digits and '-', found \"{}\"",
          hardware.name, kMaxLabelLength, hardware.counterSet));
    }
    std::vector<Device> devices;
    devices.reserve(parts + 1);
    for (; values.partition < parts; ++values.partition) {
      Device& part = devices.emplace_back(hardware);
      for (auto& [name, value] : part.capacity) {
        value = value.dividedBy(static_cast<std::int64_t>(parts));
      }
      if (Status finished = finishForm(part, partitions.part, values, Size::part); !finished) {
        return unexpected(finished);
      }
    }
    Device& whole = devices.emplace_back(hardware);
    if (Status finished = finishForm(whole, partitions.whole, values, Size::whole); !finished) {
      return unexpected(finished);
    }
    return devices;
  }

  Status finishForm(Device& device, const FormData& form, const Values& values, Size size) const {
    device.counters = device.capacity;
    Status named = setName(device, form.name, values);
    return named ? finish(device, &form, values.partition, size) : named;
  }

  const KindData& kind_;
  const NodeContext& node_;
};

}  // namespace

std::size_t deviceCount(const KindData& kind, const NodeContext& node) {
  std::size_t parts = kind.partitions ? kind.partitions->count.on(node) : 0;
  std::size_t each = parts == 0 ? 1 : std::min(parts, Profile::kMaxDevices) + 1;
  return std::min(kind.count.on(node), Profile::kMaxDevices + 1) * each;
}

Status checkPartitions(const KindData& kind, const NodeContext& node) {
  std::size_t parts = kind.partitions ? kind.partitions->count.on(node) : 0;
  for (const auto& [name, capacity] : kind.capacity) {
    auto units = static_cast<std::size_t>(std::max<std::int64_t>(capacity.value.value(), 0));
    if (parts > units && units > 0) {
      return Status::invalidArgument(
          "kind {}: expected at most {} partitions of each device, so that each has some {}, found {}", kind.kind,
          units, name, parts);
    }
  }
  return {};
}

Result<std::vector<Device>> makeDevices(const KindData& kind, const NodeContext& node, std::size_t index,
                                        std::string uuid) {
  return Builder(kind, node).build(index, std::move(uuid));
}

}  // namespace simgpu::device
