#include "kube/device_json.h"

#include <optional>
#include <utility>

namespace simgpu::kube {
namespace {

using base::Quantity;
using nlohmann::json;

// ---- Encoding

json valueJson(const VersionValue& value) {
  return value.text;
}
json valueJson(const auto& value) {
  return value;
}

template <typename T>
json listJson(const std::vector<T>& values) {
  json list = json::array();
  for (const T& value : values) {
    list.push_back(valueJson(value));
  }
  return list;
}

json attributeJson(const DeviceAttribute& attribute) {
  // In the order of the variant.
  constexpr std::array<const char*, std::variant_size_v<DeviceAttribute>> kMembers = {
      "int", "bool", "string", "version", "ints", "bools", "strings", "versions"};
  json result = json::object();
  result[kMembers[attribute.index()]] = std::visit(
      [](const auto& value) {
        if constexpr (requires { listJson(value); }) {
          return listJson(value);
        } else {
          return valueJson(value);
        }
      },
      attribute);
  return result;
}

json quantitiesJson(const std::map<std::string, Quantity>& quantities) {
  json result = json::object();
  for (const auto& [name, quantity] : quantities) {
    result[name]["value"] = quantity.toString();
  }
  return result;
}

void set(json& object, const char* key, const std::optional<Quantity>& quantity) {
  if (quantity) {
    object[key] = quantity->toString();
  }
}

json policyJson(const RequestPolicy& policy) {
  json result = json::object();
  set(result, "default", policy.standard);
  for (const Quantity& value : policy.validValues) {
    result["validValues"].push_back(value.toString());
  }
  if (policy.validRange) {
    json& range = result["validRange"] = json::object();
    set(range, "min", policy.validRange->min);
    set(range, "max", policy.validRange->max);
    set(range, "step", policy.validRange->step);
  }
  return result;
}

json taintJson(const DeviceTaint& taint) {
  json result = {{"key", taint.key}, {"effect", taint.effect}};
  if (!taint.value.empty()) {
    result["value"] = taint.value;
  }
  if (!taint.timeAdded.empty()) {
    result["timeAdded"] = taint.timeAdded;
  }
  return result;
}

/// With the name that a release has for the multiplier.
json mappingJson(const NodeAllocatableMapping& mapping, const char* multiplier) {
  json result = json::object();
  if (!mapping.capacityKey.empty()) {
    result["capacityKey"] = mapping.capacityKey;
  }
  set(result, multiplier, mapping.multiplier);
  return result;
}

void addNodeAllocatable(json& result, const Device& device) {
  for (const auto& [name, mapping] : device.nodeAllocatableResourceMappings) {
    result["nodeAllocatableResourceMappings"][name] = mappingJson(mapping, "allocationMultiplier");
  }
  for (const auto& [name, mapping] : device.nodeAllocatableResources) {
    result["nodeAllocatableResources"][name]["mapping"] =
        mappingJson(mapping, mapping.capacityKey.empty() ? "deviceMultiplier" : "capacityMultiplier");
  }
}

/// Adds what `object` does not have yet, at every level.
void addMissing(json& object, const json& more) {
  for (const auto& [key, value] : more.items()) {
    auto& mine = object[key];
    if (mine.is_null()) {
      mine = value;
    } else if (mine.is_object() && value.is_object()) {
      addMissing(mine, value);
    }
  }
}

// ---- Decoding

/// How many members of an object are neither null nor absent.
std::size_t presentMembers(const json& object) {
  std::size_t count = 0;
  for (const auto& member : object) {
    count += member.is_null() ? 0 : 1;
  }
  return count;
}

void readValue(const JsonNode& node, VersionValue& out) {
  node.to(out.text);
}
void readValue(const JsonNode& node, auto& out) {
  node.to(out);
}

template <typename T>
std::optional<DeviceAttribute> single(const JsonNode& node) {
  T value{};
  readValue(node, value);
  return DeviceAttribute(std::move(value));
}

/// The API has no empty lists.
template <typename T>
std::optional<DeviceAttribute> list(const JsonNode& node) {
  std::vector<T> values;
  node.each([&](const JsonNode& element) {
    T value{};
    readValue(element, value);
    values.push_back(std::move(value));
  });
  return values.empty() ? std::nullopt : std::optional<DeviceAttribute>(std::move(values));
}

/// The value if it is of a form that this program knows; others are kept as they are.
std::optional<DeviceAttribute> attributeFrom(const JsonNode& node) {
  if (presentMembers(node.raw()) != 1) {
    return std::nullopt;
  }
  using Reader = std::optional<DeviceAttribute> (*)(const JsonNode&);
  static constexpr std::array<std::pair<std::string_view, Reader>, std::variant_size_v<DeviceAttribute>> kReaders = {
      {{"int", single<std::int64_t>},
       {"bool", single<bool>},
       {"string", single<std::string>},
       {"version", single<VersionValue>},
       {"ints", list<std::int64_t>},
       {"bools", list<bool>},
       {"strings", list<std::string>},
       {"versions", list<VersionValue>}}};
  for (const auto& [name, read] : kReaders) {
    if (const JsonNode member = node[name]; member.exists()) {
      return read(member);
    }
  }
  return std::nullopt;
}

void attributesInto(const JsonNode& node, Device& device) {
  node.members([&](const std::string& name, const JsonNode& attribute) {
    if (attribute.exists() && !attribute.raw().is_object()) {
      attribute.fail("expected an object");
      return;
    }
    if (auto value = attributeFrom(attribute)) {
      device.attributes.emplace(name, *std::move(value));
    } else {
      device.others["attributes"][name] = attribute.raw();
    }
  });
}

void quantityInto(const JsonNode& node, std::optional<Quantity>& out) {
  if (node.exists()) {
    node.to(out.emplace());
  }
}

RequestPolicy policyFrom(const JsonNode& node) {
  RequestPolicy policy;
  quantityInto(node["default"], policy.standard);
  node["validValues"].each([&](const JsonNode& value) { value.to(policy.validValues.emplace_back()); });
  if (const JsonNode range = node["validRange"]; range.exists()) {
    auto& into = policy.validRange.emplace();
    quantityInto(range["min"], into.min);
    quantityInto(range["max"], into.max);
    quantityInto(range["step"], into.step);
  }
  return policy;
}

void capacityInto(const JsonNode& node, Device& device) {
  node.members([&](const std::string& name, const JsonNode& capacity) {
    capacity["value"].to(device.capacity[name]);
    capacity.members([&](const std::string& key, const JsonNode& member) {
      if (key == "requestPolicy" && member.exists()) {
        device.requestPolicies.emplace(name, policyFrom(member));
      } else if (key != "value" && member.exists()) {
        device.others["capacity"][name][key] = member.raw();
      }
    });
  });
}

std::map<std::string, Quantity> countersFrom(const JsonNode& node) {
  std::map<std::string, Quantity> counters;
  node.members([&](const std::string& name, const JsonNode& counter) { counter["value"].to(counters[name]); });
  return counters;
}

DeviceTaint taintFrom(const JsonNode& node) {
  DeviceTaint taint;
  node["key"].to(taint.key);
  node["value"].to(taint.value);
  node["effect"].to(taint.effect);
  node["timeAdded"].to(taint.timeAdded);
  return taint;
}

void mappingsInto(const JsonNode& node, Device& device) {
  node.members([&](const std::string& name, const JsonNode& mapping) {
    auto& into = device.nodeAllocatableResourceMappings[name];
    mapping["capacityKey"].to(into.capacityKey);
    quantityInto(mapping["allocationMultiplier"], into.multiplier);
  });
}

void resourcesInto(const JsonNode& node, Device& device) {
  node.members([&](const std::string& name, const JsonNode& resource) {
    resource.members([&](const std::string& key, const JsonNode& member) {
      if (key == "mapping" && member.exists()) {
        auto& into = device.nodeAllocatableResources[name];
        member["capacityKey"].to(into.capacityKey);
        quantityInto(member[into.capacityKey.empty() ? "deviceMultiplier" : "capacityMultiplier"], into.multiplier);
      } else if (member.exists()) {
        device.others["nodeAllocatableResources"][name][key] = member.raw();
      }
    });
  });
}

/// False if this program does not know the member.
bool memberInto(const std::string& key, const JsonNode& member, Device& device) {
  if (key == "name") {
    member.to(device.name);
  } else if (key == "attributes") {
    attributesInto(member, device);
  } else if (key == "capacity") {
    capacityInto(member, device);
  } else if (key == "allowMultipleAllocations") {
    if (member.exists()) {
      member.to(device.allowMultipleAllocations.emplace());
    }
  } else if (key == "consumesCounters") {
    member.each([&](const JsonNode& node) {
      auto& consumption = device.consumesCounters.emplace_back();
      node["counterSet"].to(consumption.counterSet);
      consumption.counters = countersFrom(node["counters"]);
    });
  } else if (key == "taints") {
    member.each([&](const JsonNode& node) { device.taints.push_back(taintFrom(node)); });
  } else if (key == "bindingConditions") {
    member.to(device.bindingConditions);
  } else if (key == "bindingFailureConditions") {
    member.to(device.bindingFailureConditions);
  } else if (key == "nodeAllocatableResourceMappings") {
    mappingsInto(member, device);
  } else if (key == "nodeAllocatableResources") {
    resourcesInto(member, device);
  } else {
    return false;
  }
  return true;
}

}  // namespace

json toJson(const DeviceAttribute& attribute) {
  return attributeJson(attribute);
}

json deviceJson(const Device& device) {
  json result = json::object();
  result["name"] = device.name;
  for (const auto& [name, attribute] : device.attributes) {
    result["attributes"][name] = attributeJson(attribute);
  }
  for (const auto& [name, quantity] : device.capacity) {
    result["capacity"][name]["value"] = quantity.toString();
  }
  for (const auto& [name, policy] : device.requestPolicies) {
    result["capacity"][name]["requestPolicy"] = policyJson(policy);
  }
  if (device.allowMultipleAllocations) {
    result["allowMultipleAllocations"] = *device.allowMultipleAllocations;
  }
  for (const CounterConsumption& consumption : device.consumesCounters) {
    result["consumesCounters"].push_back(
        {{"counterSet", consumption.counterSet}, {"counters", quantitiesJson(consumption.counters)}});
  }
  for (const DeviceTaint& taint : device.taints) {
    result["taints"].push_back(taintJson(taint));
  }
  if (!device.bindingConditions.empty()) {
    result["bindingConditions"] = device.bindingConditions;
  }
  if (!device.bindingFailureConditions.empty()) {
    result["bindingFailureConditions"] = device.bindingFailureConditions;
  }
  addNodeAllocatable(result, device);
  if (device.others.is_object()) {
    addMissing(result, device.others);
  }
  return result;
}

Device deviceFrom(const JsonNode& node) {
  Device device;
  node.members([&](const std::string& key, const JsonNode& member) {
    if (!memberInto(key, member, device) && member.exists()) {
      device.others[key] = member.raw();
    }
  });
  return device;
}

json counterSetJson(const CounterSet& set) {
  return {{"name", set.name}, {"counters", quantitiesJson(set.counters)}};
}

CounterSet counterSetFrom(const JsonNode& node) {
  CounterSet set;
  node["name"].to(set.name);
  set.counters = countersFrom(node["counters"]);
  return set;
}

}  // namespace simgpu::kube
