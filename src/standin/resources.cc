#include "standin/resources.h"

#include <algorithm>
#include <array>

#include "standin/uri.h"

namespace simgpu::standin {

namespace {

using nlohmann::json;

constexpr std::string_view kDraGroup = "resource.k8s.io";

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(path.front() == '/' ? 1 : 0);
    auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) {
      parts.push_back(percentDecode(path.substr(0, slash)));
    }
    path.remove_prefix(slash);
  }
  return parts;
}

const Resource* findResource(std::string_view group, std::string_view version, std::string_view plural) {
  auto served = servedResources();
  auto found = std::ranges::find_if(served, [&](const Resource& each) {
    return each.group == group && each.version == version && each.plural == plural;
  });
  return found == served.end() ? nullptr : &*found;
}

json resourceList(std::string_view group, std::string_view version) {
  json resources = json::array();
  for (const Resource& each : servedResources()) {
    if (each.group != group) {
      continue;
    }
    json verbs = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
    std::string singular = each.kind;
    std::ranges::transform(singular, singular.begin(), [](unsigned char c) { return std::tolower(c); });
    resources.push_back({{"name", each.plural},
                         {"singularName", singular},
                         {"namespaced", each.namespaced},
                         {"kind", each.kind},
                         {"verbs", verbs}});
    if (each.hasStatus) {
      resources.push_back({{"name", each.plural + "/status"},
                           {"singularName", ""},
                           {"namespaced", each.namespaced},
                           {"kind", each.kind},
                           {"verbs", {"get", "patch", "update"}}});
    }
  }
  std::string groupVersion = group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
  return {{"kind", "APIResourceList"}, {"apiVersion", "v1"}, {"groupVersion", groupVersion}, {"resources", resources}};
}

json apiGroup() {
  json version = {{"groupVersion", "resource.k8s.io/v1"}, {"version", "v1"}};
  return {{"name", kDraGroup}, {"versions", json::array({version})}, {"preferredVersion", version}};
}

}  // namespace

std::span<const Resource> servedResources() {
  static const std::array<Resource, 8> kResources = {{
      {"",
       "v1",
       "events",
       "Event",
       true,
       false,
       false,
       {"metadata.name", "metadata.namespace", "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "reason", "reportingComponent", "source", "type"}},
      {"", "v1", "namespaces", "Namespace", false, true, false, {"metadata.name", "status.phase"}},
      {"", "v1", "nodes", "Node", false, true, false, {"metadata.name", "spec.unschedulable"}},
      {"",
       "v1",
       "pods",
       "Pod",
       true,
       true,
       true,
       {"metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
        "spec.serviceAccountName", "status.phase"}},
      {std::string(kDraGroup), "v1", "deviceclasses", "DeviceClass", false, false, true, {"metadata.name"}},
      {std::string(kDraGroup),
       "v1",
       "resourceclaims",
       "ResourceClaim",
       true,
       true,
       false,
       {"metadata.name", "metadata.namespace"}},
      {std::string(kDraGroup),
       "v1",
       "resourceclaimtemplates",
       "ResourceClaimTemplate",
       true,
       false,
       false,
       {"metadata.name", "metadata.namespace"}},
      {std::string(kDraGroup),
       "v1",
       "resourceslices",
       "ResourceSlice",
       false,
       false,
       true,
       {"metadata.name", "spec.nodeName", "spec.driver"}},
  }};
  return kResources;
}

std::optional<Target> parseTarget(std::string_view path) {
  std::vector<std::string> parts = split(path);
  std::string group;
  std::string version;
  std::size_t next = 0;
  if (parts.size() >= 2 && parts[0] == "api") {
    version = parts[1];
    next = 2;
  } else if (parts.size() >= 3 && parts[0] == "apis") {
    group = parts[1];
    version = parts[2];
    next = 3;
  } else {
    return std::nullopt;
  }
  Target target;
  bool inNamespace = parts.size() > next + 2 && parts[next] == "namespaces" &&
                     findResource(group, version, parts[next + 2]) != nullptr;
  if (inNamespace || (group != "" && parts.size() > next + 2 && parts[next] == "namespaces")) {
    target.space = parts[next + 1];
    next += 2;
  }
  if (parts.size() <= next || parts.size() > next + 3) {
    return std::nullopt;
  }
  target.resource = findResource(group, version, parts[next]);
  if (target.resource == nullptr || (!target.resource->namespaced && !target.space.empty())) {
    return std::nullopt;
  }
  target.name = parts.size() > next + 1 ? parts[next + 1] : "";
  target.subresource = parts.size() > next + 2 ? parts[next + 2] : "";
  if (target.resource->namespaced && target.space.empty() && !target.name.empty()) {
    return std::nullopt;
  }
  return target;
}

std::optional<json> discovery(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  if (path == "/version") {
    return json{{"major", "1"},
                {"minor", "36"},
                {"gitVersion", "v1.36.3"},
                {"gitTreeState", "clean"},
                {"platform", "linux/amd64"},
                {"compiler", "none"},
                {"goVersion", "none"}};
  }
  if (path == "/api") {
    return json{{"kind", "APIVersions"}, {"versions", {"v1"}}};
  }
  if (path == "/apis") {
    return json{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", json::array({apiGroup()})}};
  }
  if (path == "/apis/resource.k8s.io") {
    json group = apiGroup();
    group["kind"] = "APIGroup";
    group["apiVersion"] = "v1";
    return group;
  }
  if (path == "/api/v1") {
    return resourceList("", "v1");
  }
  if (path == "/apis/resource.k8s.io/v1") {
    return resourceList(kDraGroup, "v1");
  }
  return std::nullopt;
}

}  // namespace simgpu::standin
