#include "kube/json_node.h"
#include "simgpu/kube/json.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;

ObjectMeta metadataFrom(const JsonNode& node) {
  ObjectMeta metadata;
  node["name"].to(metadata.name);
  node["generateName"].to(metadata.generateName);
  node["namespace"].to(metadata.space);
  node["uid"].to(metadata.uid);
  node["resourceVersion"].to(metadata.resourceVersion);
  node["annotations"].to(metadata.annotations);
  node["ownerReferences"].each([&](const JsonNode& owner) {
    auto& reference = metadata.ownerReferences.emplace_back();
    owner["apiVersion"].to(reference.apiVersion);
    owner["kind"].to(reference.kind);
    owner["name"].to(reference.name);
    owner["uid"].to(reference.uid);
    owner["controller"].to(reference.controller);
  });
  return metadata;
}

/// How many members of an object are neither null nor absent.
std::size_t presentMembers(const json& object) {
  std::size_t count = 0;
  for (const auto& member : object) {
    count += member.is_null() ? 0 : 1;
  }
  return count;
}

/// The value if it is one of the four forms that this program knows; other forms (lists, more than one member) are kept
/// as they are.
std::optional<DeviceAttribute> attributeFrom(const JsonNode& node) {
  if (presentMembers(node.raw()) != 1) {
    return std::nullopt;
  }
  if (node["int"].exists()) {
    std::int64_t value = 0;
    node["int"].to(value);
    return value;
  }
  if (node["bool"].exists()) {
    bool value = false;
    node["bool"].to(value);
    return value;
  }
  if (node["string"].exists()) {
    std::string value;
    node["string"].to(value);
    return value;
  }
  if (node["version"].exists()) {
    VersionValue value;
    node["version"].to(value.text);
    return value;
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

void capacityInto(const JsonNode& node, Device& device) {
  node.members([&](const std::string& name, const JsonNode& capacity) {
    capacity["value"].to(device.capacity[name]);
    capacity.members([&](const std::string& key, const JsonNode& member) {
      if (key != "value" && member.exists()) {
        device.others["capacity"][name][key] = member.raw();
      }
    });
  });
}

Device deviceFrom(const JsonNode& node) {
  Device device;
  node.members([&](const std::string& key, const JsonNode& member) {
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
    } else if (member.exists()) {
      device.others[key] = member.raw();
    }
  });
  return device;
}

AllocationResult resultFrom(const JsonNode& node) {
  AllocationResult result;
  node["request"].to(result.request);
  node["driver"].to(result.driver);
  node["pool"].to(result.pool);
  node["device"].to(result.device);
  node["adminAccess"].to(result.adminAccess);
  node["shareID"].to(result.shareId);
  node["consumedCapacity"].members(
      [&](const std::string& name, const JsonNode& quantity) { quantity.to(result.consumedCapacity[name]); });
  return result;
}

AllocationConfig configFrom(const JsonNode& node) {
  AllocationConfig config;
  node["source"].to(config.source);
  node["requests"].to(config.requests);
  const auto opaque = node["opaque"];
  config.hasOpaque = opaque.exists();
  opaque["driver"].to(config.driver);
  config.parameters = opaque["parameters"].raw();
  return config;
}

template <typename T>
Result<T> resultOf(T value, Status failure) {
  if (!failure.ok()) {
    return unexpected(std::move(failure));
  }
  return value;
}

}  // namespace

Result<ResourceSlice> resourceSliceFromJson(const json& document) {
  Status failure;
  const JsonNode root(document, failure);
  ResourceSlice slice;
  slice.metadata = metadataFrom(root["metadata"]);
  const auto spec = root["spec"];
  spec["driver"].to(slice.driver);
  spec["nodeName"].to(slice.nodeName);
  const auto pool = spec["pool"];
  pool["name"].to(slice.pool.name);
  pool["generation"].to(slice.pool.generation);
  pool["resourceSliceCount"].to(slice.pool.resourceSliceCount);
  spec["devices"].each([&](const JsonNode& device) { slice.devices.push_back(deviceFrom(device)); });
  return resultOf(std::move(slice), std::move(failure));
}

Result<ResourceSlice> resourceSliceOrIdentity(const json& document) {
  auto whole = resourceSliceFromJson(document);
  if (whole) {
    return whole;
  }
  Status failure;
  const JsonNode root(document, failure);
  ResourceSlice slice;
  slice.metadata = metadataFrom(root["metadata"]);
  root["spec"]["driver"].to(slice.driver);
  root["spec"]["nodeName"].to(slice.nodeName);
  return failure.ok() && !slice.metadata.name.empty() ? Result<ResourceSlice>(std::move(slice)) : whole;
}

Result<ResourceClaim> resourceClaimFromJson(const json& document) {
  Status failure;
  const JsonNode root(document, failure);
  ResourceClaim claim;
  claim.metadata = metadataFrom(root["metadata"]);
  const auto status = root["status"];
  if (const auto allocation = status["allocation"]; allocation.exists()) {
    const auto devices = allocation["devices"];
    auto& allocated = claim.allocation.emplace();
    devices["results"].each([&](const JsonNode& node) { allocated.results.push_back(resultFrom(node)); });
    devices["config"].each([&](const JsonNode& node) { allocated.config.push_back(configFrom(node)); });
  }
  status["reservedFor"].each([&](const JsonNode& node) {
    auto& consumer = claim.reservedFor.emplace_back();
    node["apiGroup"].to(consumer.apiGroup);
    node["resource"].to(consumer.resource);
    node["name"].to(consumer.name);
    node["uid"].to(consumer.uid);
  });
  return resultOf(std::move(claim), std::move(failure));
}

Result<Node> nodeFromJson(const json& document) {
  Status failure;
  const JsonNode root(document, failure);
  Node node;
  node.metadata = metadataFrom(root["metadata"]);
  return resultOf(std::move(node), std::move(failure));
}

}  // namespace simgpu::kube
