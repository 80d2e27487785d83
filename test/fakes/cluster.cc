#include "fakes/cluster.h"

#include <stdexcept>

namespace simgpu::fakes {
namespace {

constexpr const char* kClaims = "/apis/resource.k8s.io/v1/namespaces/team-a/resourceclaims";

nlohmann::json must(Result<nlohmann::json> result) {
  if (!result) {
    throw std::runtime_error(result.error().toString());
  }
  return *std::move(result);
}

}  // namespace

AllocationBuilder& AllocationBuilder::device(std::string_view name, std::string_view request, std::string_view pool,
                                             std::string_view driver) {
  allocation_["devices"]["results"].push_back(
      {{"request", request}, {"driver", driver}, {"pool", pool}, {"device", name}});
  return *this;
}

AllocationBuilder& AllocationBuilder::share(std::string_view shareId, nlohmann::json consumedCapacity) {
  nlohmann::json& result = allocation_["devices"]["results"].back();
  result["shareID"] = shareId;
  if (!consumedCapacity.is_null()) {
    result["consumedCapacity"] = std::move(consumedCapacity);
  }
  return *this;
}

AllocationBuilder& AllocationBuilder::admin() {
  allocation_["devices"]["results"].back()["adminAccess"] = true;
  return *this;
}

AllocationBuilder& AllocationBuilder::binding() {
  auto& result = allocation_["devices"]["results"].back();
  result["bindingConditions"] = {"BindingConditions"};
  result["bindingFailureConditions"] = {"BindingFailureConditions"};
  return *this;
}

AllocationBuilder& AllocationBuilder::config(std::string_view source, nlohmann::json parameters,
                                             std::vector<std::string> requests, std::string_view driver) {
  allocation_["devices"]["config"].push_back({{"source", source},
                                              {"requests", std::move(requests)},
                                              {"opaque", {{"driver", driver}, {"parameters", std::move(parameters)}}}});
  return *this;
}

nlohmann::json gpuConfig(nlohmann::json sharing) {
  return {{"apiVersion", "gpu.resource.example.com/v1alpha1"}, {"kind", "GpuConfig"}, {"sharing", std::move(sharing)}};
}

Cluster::Cluster(standin::ApiServer& server, std::string_view nodeName) : server_(server) {
  must(server_.create("/api/v1/nodes", {{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", nodeName}}}}));
}

claim::ClaimRef Cluster::claim(std::string_view name, const nlohmann::json& allocation) {
  nlohmann::json object = must(server_.create(
      kClaims,
      {{"apiVersion", "resource.k8s.io/v1"},
       {"kind", "ResourceClaim"},
       {"metadata", {{"name", name}, {"namespace", "team-a"}}},
       {"spec",
        {{"devices", {{"requests", {{{"name", "gpu"}, {"exactly", {{"deviceClassName", "gpu.example.com"}}}}}}}}}}}));
  if (!allocation.is_null()) {
    setAllocation(name, allocation);
  }
  return {.space = "team-a", .name = std::string(name), .uid = object["metadata"]["uid"].get<std::string>()};
}

void Cluster::reallocate(std::string_view name, const nlohmann::json& allocation) {
  setAllocation(name, nullptr);
  setAllocation(name, allocation);
}

void Cluster::reserve(std::string_view name, std::string_view pod) {
  nlohmann::json object = must(server_.get(claimPath(name)));
  object["status"]["reservedFor"] = nlohmann::json::array();
  if (!pod.empty()) {
    object["status"]["reservedFor"].push_back(
        {{"resource", "pods"}, {"name", pod}, {"uid", "uid-of-" + std::string(pod)}});
  }
  must(server_.replace(claimPath(name) + "/status", std::move(object)));
}

void Cluster::deleteClaim(std::string_view name) {
  if (Status removed = server_.remove(claimPath(name)); !removed) {
    throw std::runtime_error(removed.toString());
  }
}

std::string Cluster::claimPath(std::string_view name) {
  return std::string(kClaims) + "/" + std::string(name);
}

void Cluster::setAllocation(std::string_view name, const nlohmann::json& allocation) {
  nlohmann::json object = must(server_.get(claimPath(name)));
  if (!object.contains("status")) {
    object["status"] = nlohmann::json::object();
  }
  if (allocation.is_null()) {
    object["status"].erase("allocation");
  } else {
    object["status"]["allocation"] = allocation;
  }
  must(server_.replace(claimPath(name) + "/status", std::move(object)));
}

}  // namespace simgpu::fakes
