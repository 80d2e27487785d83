#include "simgpu/claim/metadata.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace simgpu::claim {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// k8s.io/dynamic-resource-allocation/api/metadata; readers take the first that they know.
constexpr std::array<std::string_view, 2> kVersions = {"metadata.resource.k8s.io/v1beta1",
                                                       "metadata.resource.k8s.io/v1alpha1"};
constexpr std::string_view kContainerDirectory = "/var/run/kubernetes.io/dra-device-attributes";
/// resource.k8s.io/v1 PodResourceClaimAnnotation: on claims that were made from a template.
constexpr const char* kPodClaimAnnotation = "resource.kubernetes.io/pod-claim-name";
constexpr std::string_view kExtension = ".json";

/// An attribute as ResourceSlices have it: one member, which names the type.
struct AttributeJson {
  ordered_json operator()(std::int64_t value) const { return {{"int", value}}; }
  ordered_json operator()(bool value) const { return {{"bool", value}}; }
  ordered_json operator()(const std::string& value) const { return {{"string", value}}; }
  ordered_json operator()(const device::Version& value) const { return {{"version", value.text}}; }
  ordered_json operator()(const std::vector<std::int64_t>& values) const { return {{"ints", values}}; }
  ordered_json operator()(const std::vector<bool>& values) const { return {{"bools", values}}; }
  ordered_json operator()(const std::vector<std::string>& values) const { return {{"strings", values}}; }
  ordered_json operator()(const std::vector<device::Version>& values) const {
    ordered_json texts = ordered_json::array();
    for (const device::Version& value : values) {
      texts.push_back(value.text);
    }
    return {{"versions", std::move(texts)}};
  }
};

ordered_json deviceJson(const std::string& driver, const std::string& pool, const device::Device& device) {
  ordered_json entry = {{"driver", driver}, {"pool", pool}, {"name", device.name}};
  for (const auto& [name, value] : device.attributes) {
    entry["attributes"][name] = std::visit(AttributeJson(), value);
  }
  return entry;
}

/// What the results of one request say.
struct Request {
  std::string name;       ///< As in the allocation: with the subrequest.
  std::string mainName;   ///< Without.
  std::size_t first = 0;  ///< Among the prepared devices.
  ordered_json devices = ordered_json::array();
};

std::vector<Request> requestsOf(const kube::Allocation& allocation, const device::Inventory& inventory,
                                const std::string& driver) {
  std::vector<Request> requests;
  std::size_t prepared = 0;
  for (const kube::AllocationResult& result : allocation.results) {
    const device::Device* device = inventory.find(result.device);
    if (result.driver != driver || device == nullptr) {
      continue;
    }
    std::string mainName = result.request.substr(0, result.request.find('/'));
    auto request = std::ranges::find(requests, mainName, &Request::mainName);
    if (request == requests.end()) {
      requests.push_back({.name = result.request, .mainName = std::move(mainName), .first = prepared});
      request = requests.end() - 1;
    }
    request->devices.push_back(deviceJson(driver, result.pool, *device));
    ++prepared;
  }
  return requests;
}

/// Whether a name cannot lead a path anywhere else. API servers check names; annotations are anybody's.
bool isPathSegment(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         std::ranges::all_of(name, [](unsigned char c) { return c > 0x20 && c != 0x7f && c != '/'; });
}

Status checkSegment(std::string_view what, std::string_view name) {
  return isPathSegment(name)
             ? Status()
             : Status::invalidArgument("{}: expected a name, found \"{}\"", what, name).with("device metadata");
}

/// The same for each version, one after the other, as the Go helper's serializer lays it out.
std::string streamOf(const ClaimRef& claim, const std::string& podClaimName, const Request& request) {
  std::string stream;
  for (std::string_view version : kVersions) {
    ordered_json document = {
        {"kind", "DeviceMetadata"},
        {"apiVersion", version},
        {"metadata", {{"name", claim.name}, {"namespace", claim.space}, {"uid", claim.uid}, {"generation", 1}}}};
    if (!podClaimName.empty()) {
      document["podClaimName"] = podClaimName;
    }
    document["requests"] = ordered_json::array({{{"name", request.name}, {"devices", request.devices}}});
    stream += document.dump(2, ' ', false, ordered_json::error_handler_t::replace);
    stream += "\n\n";
  }
  return stream;
}

std::string containerPathOf(const ClaimRef& claim, const std::string& podClaimName, const std::string& request,
                            const std::string& driver) {
  std::string group = podClaimName.empty() ? "resourceclaims/" + claim.name : "resourceclaimtemplates/" + podClaimName;
  return fmt::format("{}/{}/{}/{}-metadata.json", kContainerDirectory, group, request, driver);
}

}  // namespace

Result<Record> describeDevices(Record record, const device::Inventory& inventory, const SpecNaming& naming,
                               const kube::ResourceClaim& claim, const std::filesystem::path& directory) {
  const ClaimRef ref = record.prepared.claim;
  auto annotation = claim.metadata.annotations.find(kPodClaimAnnotation);
  std::string podClaimName = annotation == claim.metadata.annotations.end() ? std::string() : annotation->second;
  if (Status checked = checkSegment("the claim's name", ref.name); !checked) {
    return unexpected(checked);
  }
  if (Status checked = podClaimName.empty()
                           ? Status()
                           : checkSegment(fmt::format("annotation {}", kPodClaimAnnotation), podClaimName);
      !checked) {
    return unexpected(checked);
  }
  std::vector<MetadataFile> metadata;
  for (const Request& request : requestsOf(*claim.allocation, inventory, naming.driverName)) {
    if (Status checked = checkSegment("request", request.mainName); !checked) {
      return unexpected(checked);
    }
    std::string file = metadataFileName(ref.uid, request.mainName);
    std::string name = fmt::format("{}_{}", ref.uid, request.mainName);
    cdi::Mount mount{.hostPath = (directory / file).native(),
                     .containerPath = containerPathOf(ref, podClaimName, request.mainName, naming.driverName),
                     .options = {"ro", "bind"}};
    record.spec.devices.push_back({.name = name, .edits = {.env = {}, .mounts = {std::move(mount)}}});
    record.prepared.devices[request.first].cdiIds.push_back(cdi::qualifiedName(naming.kind(), name));
    metadata.push_back({.name = std::move(file), .content = streamOf(ref, podClaimName, request)});
  }
  Record described = makeRecord(naming, std::move(record.prepared), std::move(record.held), std::move(record.bootId),
                                std::move(record.spec.devices), std::move(record.spec.edits));
  described.metadata = std::move(metadata);
  return described;
}

std::string metadataFileName(std::string_view claimUid, std::string_view request) {
  return fmt::format("{}_{}{}", claimUid, request, kExtension);
}

std::string metadataClaimUidOf(std::string_view fileName) {
  std::string_view uid = fileName.substr(0, fileName.find('_'));
  bool isOne = uid.size() < fileName.size() && fileName.ends_with(kExtension) && isUsableUid(uid);
  return isOne ? std::string(uid) : std::string();
}

}  // namespace simgpu::claim
