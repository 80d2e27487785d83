#include <charconv>

#include <fmt/format.h>

#include "kube/device_json.h"
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
  node["bindingConditions"].to(result.bindingConditions);
  node["bindingFailureConditions"].to(result.bindingFailureConditions);
  return result;
}

Condition conditionFrom(const JsonNode& node) {
  Condition condition;
  node["type"].to(condition.type);
  node["status"].to(condition.status);
  node["reason"].to(condition.reason);
  node["message"].to(condition.message);
  node["lastTransitionTime"].to(condition.lastTransitionTime);
  node["observedGeneration"].to(condition.observedGeneration);
  return condition;
}

AllocatedDeviceStatus deviceStatusFrom(const JsonNode& node) {
  AllocatedDeviceStatus status;
  node["driver"].to(status.driver);
  node["pool"].to(status.pool);
  node["device"].to(status.device);
  node["shareID"].to(status.shareId);
  node["conditions"].each([&](const JsonNode& condition) { status.conditions.push_back(conditionFrom(condition)); });
  status.data = node["data"].raw();
  return status;
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
  spec["sharedCounters"].each([&](const JsonNode& set) { slice.sharedCounters.push_back(counterSetFrom(set)); });
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
  status["devices"].each([&](const JsonNode& node) { claim.devices.push_back(deviceStatusFrom(node)); });
  return resultOf(std::move(claim), std::move(failure));
}

Result<ResourceClaim> resourceClaimOrIdentity(const json& document) {
  auto whole = resourceClaimFromJson(document);
  if (whole) {
    return whole;
  }
  Status failure;
  ResourceClaim claim;
  claim.metadata = metadataFrom(JsonNode(document, failure)["metadata"]);
  return failure.ok() && !claim.metadata.name.empty() ? Result<ResourceClaim>(std::move(claim)) : whole;
}

Result<ServerVersion> serverVersionFromJson(const json& document) {
  Status failure;
  const JsonNode root(document, failure);
  ServerVersion version;
  // Some providers append a sign: "36+".
  for (auto [key, target] : {std::pair("major", &version.major), std::pair("minor", &version.minor)}) {
    std::string text;
    root[key].to(text);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *target);
    if (error != std::errc()) {
      root[key].fail(fmt::format("expected a number in text, found \"{}\"", text));
    }
  }
  return resultOf(version, std::move(failure));
}

Result<Node> nodeFromJson(const json& document) {
  Status failure;
  const JsonNode root(document, failure);
  Node node;
  node.metadata = metadataFrom(root["metadata"]);
  return resultOf(std::move(node), std::move(failure));
}

}  // namespace simgpu::kube
