#include <ctime>

#include "simgpu/base/quantity.h"
#include "standin/admission.h"
#include "standin/json_access.h"

namespace simgpu::standin {

namespace {

using nlohmann::json;

Status canonicalise(json& quantity) {
  std::string text = quantity.is_number() ? quantity.dump() : quantity.is_string() ? quantity.get<std::string>() : "";
  auto parsed = base::Quantity::parse(text);
  if (!parsed) {
    return parsed.error();
  }
  std::string canonical = parsed->toString();
  quantity = "+" + canonical == text ? text : canonical;  // the server keeps a plus sign
  return {};
}

/// The quantities of a device or counter set, wherever they are in it.
std::vector<json*> quantitiesOf(json* parent) {
  std::vector<json*> quantities;
  for (const char* name : {"capacity", "counters"}) {
    for (json* entry : eachOf(parent, name)) {
      quantities.push_back(find(entry, "value"));
      json* policy = find(entry, "requestPolicy");
      quantities.push_back(find(policy, "default"));
      for (const char* list : {"validValues", "validRange"}) {
        auto values = eachOf(policy, list);
        quantities.insert(quantities.end(), values.begin(), values.end());
      }
    }
  }
  for (json* consumed : eachOf(parent, "consumesCounters")) {
    auto counters = quantitiesOf(consumed);
    quantities.insert(quantities.end(), counters.begin(), counters.end());
  }
  std::erase(quantities, nullptr);
  return quantities;
}

Status defaultSlice(json* spec, const std::string& now) {
  for (const char* list : {"devices", "sharedCounters"}) {
    for (json* each : eachOf(spec, list)) {
      for (json* quantity : quantitiesOf(each)) {
        if (Status status = canonicalise(*quantity); !status) {
          return status;
        }
      }
      for (json* mapping : eachOf(each, "nodeAllocatableResourceMappings")) {
        if (mapping->is_object() && find(mapping, "allocationMultiplier") == nullptr) {
          (*mapping)["allocationMultiplier"] = "1";
        }
      }
      for (json* taint : eachOf(each, "taints")) {
        if (taint->is_object() && find(taint, "timeAdded") == nullptr) {
          (*taint)["timeAdded"] = now;
        }
      }
    }
  }
  return {};
}

void defaultRequest(json* request) {
  if (request == nullptr || !request->is_object()) {
    return;
  }
  if (textAt(*request, "allocationMode").empty()) {
    (*request)["allocationMode"] = "ExactCount";
  }
  if (textAt(*request, "allocationMode") == "ExactCount" && numberAt(*request, "count") == 0) {
    (*request)["count"] = 1;
  }
  for (json* toleration : eachOf(request, "tolerations")) {
    if (toleration->is_object() && textAt(*toleration, "operator").empty()) {
      (*toleration)["operator"] = "Equal";
    }
  }
}

void defaultClaimSpec(json* spec) {
  for (json* request : eachOf(find(spec, "devices"), "requests")) {
    defaultRequest(find(request, "exactly"));
    for (json* alternative : eachOf(request, "firstAvailable")) {
      defaultRequest(alternative);
    }
  }
}

void defaultPod(json& object) {
  json spec = {{"restartPolicy", "Always"},
               {"terminationGracePeriodSeconds", 30},
               {"schedulerName", "default-scheduler"},
               {"serviceAccountName", "default"}};
  if (at(object, "spec").is_object()) {
    spec.update(object["spec"]);
  }
  object["spec"] = std::move(spec);
  if (textAt(at(object, "status"), "phase").empty()) {
    object["status"]["phase"] = "Pending";
  }
}

}  // namespace

std::string rfc3339(base::Clock::WallTime time) {
  std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

ApiResult<json> withDefaults(const Resource& resource, json object, base::Clock::WallTime now) {
  Status status;
  if (resource.plural == "resourceslices") {
    status = defaultSlice(find(&object, "spec"), rfc3339(now));
  } else if (resource.plural == "resourceclaims") {
    defaultClaimSpec(find(&object, "spec"));
  } else if (resource.plural == "resourceclaimtemplates") {
    defaultClaimSpec(find(find(&object, "spec"), "spec"));
  } else if (resource.plural == "pods") {
    defaultPod(object);
  } else if (resource.plural == "namespaces") {
    object["status"]["phase"] = "Active";
  }
  if (!status) {
    return unexpected(
        ApiError::badRequest(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", resource.kind,
                                         resource.version, resource.kind, status.message())));
  }
  return object;
}

}  // namespace simgpu::standin
