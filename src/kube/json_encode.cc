#include <algorithm>
#include <chrono>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "kube/device_json.h"
#include "simgpu/kube/json.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;

/// Longest name of an object (DNS subdomain).
constexpr std::size_t kMaxName = 253;

void setUnlessEmpty(json& object, const char* key, const std::string& text) {
  if (!text.empty()) {
    object[key] = text;
  }
}

json metadataJson(const ObjectMeta& metadata) {
  json result = json::object();
  setUnlessEmpty(result, "name", metadata.name);
  setUnlessEmpty(result, "generateName", metadata.generateName);
  setUnlessEmpty(result, "namespace", metadata.space);
  setUnlessEmpty(result, "uid", metadata.uid);
  setUnlessEmpty(result, "resourceVersion", metadata.resourceVersion);
  if (!metadata.annotations.empty()) {
    result["annotations"] = metadata.annotations;
  }
  for (const auto& owner : metadata.ownerReferences) {
    json reference = json::object();
    reference["apiVersion"] = owner.apiVersion;
    reference["kind"] = owner.kind;
    reference["name"] = owner.name;
    reference["uid"] = owner.uid;
    if (owner.controller) {
      reference["controller"] = true;
    }
    result["ownerReferences"].push_back(std::move(reference));
  }
  return result;
}

json conditionJson(const Condition& condition) {
  json result = json::object();
  result["type"] = condition.type;
  result["status"] = condition.status;
  result["reason"] = condition.reason;
  result["message"] = condition.message;
  result["lastTransitionTime"] = condition.lastTransitionTime;
  if (condition.observedGeneration != 0) {
    result["observedGeneration"] = condition.observedGeneration;
  }
  return result;
}

}  // namespace

std::string eventName(const Event& event) {
  auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(event.time.time_since_epoch()).count();
  auto suffix = fmt::format(".{:x}", nanoseconds);
  return event.about.name.substr(0, kMaxName - suffix.size()) + suffix;
}

std::string timeText(std::chrono::system_clock::time_point time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
}

json toJson(const AllocatedDeviceStatus& status) {
  json result = json::object();
  result["driver"] = status.driver;
  result["pool"] = status.pool;
  result["device"] = status.device;
  setUnlessEmpty(result, "shareID", status.shareId);
  for (const Condition& condition : status.conditions) {
    result["conditions"].push_back(conditionJson(condition));
  }
  if (!status.data.is_null()) {
    result["data"] = status.data;
  }
  return result;
}

json toJson(const ResourceSlice& slice) {
  json result = json::object();
  result["apiVersion"] = "resource.k8s.io/v1";
  result["kind"] = "ResourceSlice";
  result["metadata"] = metadataJson(slice.metadata);
  auto& spec = result["spec"];
  spec["driver"] = slice.driver;
  setUnlessEmpty(spec, "nodeName", slice.nodeName);
  spec["pool"]["name"] = slice.pool.name;
  spec["pool"]["generation"] = slice.pool.generation;
  spec["pool"]["resourceSliceCount"] = slice.pool.resourceSliceCount;
  for (const auto& device : slice.devices) {
    spec["devices"].push_back(deviceJson(device));
  }
  for (const auto& set : slice.sharedCounters) {
    spec["sharedCounters"].push_back(counterSetJson(set));
  }
  return result;
}

json toJson(const Event& event) {
  json result = json::object();
  result["apiVersion"] = "v1";
  result["kind"] = "Event";
  result["metadata"]["name"] = event.name.empty() ? eventName(event) : event.name;
  result["metadata"]["namespace"] = event.about.space.empty() ? "default" : event.about.space;
  auto& about = result["involvedObject"];
  about = json::object();
  setUnlessEmpty(about, "apiVersion", event.about.apiVersion);
  setUnlessEmpty(about, "kind", event.about.kind);
  setUnlessEmpty(about, "namespace", event.about.space);
  setUnlessEmpty(about, "name", event.about.name);
  setUnlessEmpty(about, "uid", event.about.uid);
  result["type"] = event.type;
  result["reason"] = event.reason;
  result["message"] = event.message;
  result["source"]["component"] = event.component;
  setUnlessEmpty(result["source"], "host", event.host);
  result["reportingComponent"] = event.component;
  result["reportingInstance"] = event.host;
  result["firstTimestamp"] = timeText(event.time);
  result["lastTimestamp"] = timeText(std::max(event.time, event.lastTime));
  result["count"] = event.count;
  return result;
}

}  // namespace simgpu::kube
