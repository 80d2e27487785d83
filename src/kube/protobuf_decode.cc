#include "kube/protobuf_decode.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <google/protobuf/repeated_ptr_field.h>

#include "k8s/apimachinery/api.pb.h"
#include "k8s/resource/v1/api.pb.h"
#include "simgpu/base/utf8.h"
#include "simgpu/kube/json.h"

namespace simgpu::kube {
namespace {

namespace meta = k8s::io::apimachinery;
namespace resource = k8s::io::api::resource::v1;

constexpr std::string_view kMagic("k8s\0", 4);

/// As much as a message can bear of what somebody else says.
constexpr std::size_t kMaxText = 300;

std::vector<std::string> textsFrom(google::protobuf::RepeatedPtrField<std::string>& texts) {
  return {std::move_iterator(texts.begin()), std::move_iterator(texts.end())};
}

ObjectMeta metadataFrom(meta::ObjectMeta& from) {
  ObjectMeta metadata;
  metadata.name = std::move(*from.mutable_name());
  metadata.generateName = std::move(*from.mutable_generatename());
  metadata.space = std::move(*from.mutable_namespace_());
  metadata.uid = std::move(*from.mutable_uid());
  metadata.resourceVersion = std::move(*from.mutable_resourceversion());
  metadata.annotations.insert(from.annotations().begin(), from.annotations().end());
  for (meta::OwnerReference& owner : *from.mutable_ownerreferences()) {
    metadata.ownerReferences.push_back({.apiVersion = std::move(*owner.mutable_apiversion()),
                                        .kind = std::move(*owner.mutable_kind()),
                                        .name = std::move(*owner.mutable_name()),
                                        .uid = std::move(*owner.mutable_uid()),
                                        .controller = owner.controller()});
  }
  return metadata;
}

/// Bytes that are JSON; nothing if there are none. `place` says where, should they be something else.
Result<nlohmann::json> jsonFrom(const meta::RawExtension& extension, std::string_view place) {
  if (extension.raw().empty()) {
    return nlohmann::json();
  }
  auto json = parseJson(extension.raw());
  return json ? std::move(json) : unexpected(json.error().with("{}", place));
}

Result<AllocationResult> resultFrom(resource::DeviceRequestAllocationResult& from) {
  AllocationResult result;
  result.request = std::move(*from.mutable_request());
  result.driver = std::move(*from.mutable_driver());
  result.pool = std::move(*from.mutable_pool());
  result.device = std::move(*from.mutable_device());
  result.adminAccess = from.adminaccess();
  result.shareId = std::move(*from.mutable_shareid());
  for (const auto& [name, text] : from.consumedcapacity()) {
    auto quantity = base::Quantity::parse(text.string());
    if (!quantity) {
      return unexpected(Status::dataLoss("status.allocation.devices.results: consumedCapacity of {}: {}",
                                         base::excerpt(name, kMaxText), quantity.error().message()));
    }
    result.consumedCapacity.emplace(name, *std::move(quantity));
  }
  result.bindingConditions = textsFrom(*from.mutable_bindingconditions());
  result.bindingFailureConditions = textsFrom(*from.mutable_bindingfailureconditions());
  return result;
}

Result<AllocationConfig> configFrom(resource::DeviceAllocationConfiguration& from) {
  AllocationConfig config;
  config.source = std::move(*from.mutable_source());
  config.requests = textsFrom(*from.mutable_requests());
  config.hasOpaque = from.deviceconfiguration().has_opaque();
  if (config.hasOpaque) {
    auto& opaque = *from.mutable_deviceconfiguration()->mutable_opaque();
    config.driver = std::move(*opaque.mutable_driver());
    auto parameters = jsonFrom(opaque.parameters(), "status.allocation.devices.config: opaque.parameters");
    if (!parameters) {
      return unexpected(parameters.error());
    }
    config.parameters = *std::move(parameters);
  }
  return config;
}

Result<Allocation> allocationFrom(resource::DeviceAllocationResult& from) {
  Allocation allocation;
  for (auto& each : *from.mutable_results()) {
    auto result = resultFrom(each);
    if (!result) {
      return unexpected(result.error());
    }
    allocation.results.push_back(*std::move(result));
  }
  for (auto& each : *from.mutable_config()) {
    auto config = configFrom(each);
    if (!config) {
      return unexpected(config.error());
    }
    allocation.config.push_back(*std::move(config));
  }
  return allocation;
}

/// The zero time is an empty message, as it is null in JSON.
std::string textOf(const meta::Time& time) {
  return time.seconds() == 0 ? std::string()
                             : timeText(std::chrono::system_clock::time_point(std::chrono::seconds(time.seconds())));
}

Result<AllocatedDeviceStatus> deviceStatusFrom(resource::AllocatedDeviceStatus& from) {
  AllocatedDeviceStatus status;
  status.driver = std::move(*from.mutable_driver());
  status.pool = std::move(*from.mutable_pool());
  status.device = std::move(*from.mutable_device());
  status.shareId = std::move(*from.mutable_shareid());
  for (meta::Condition& condition : *from.mutable_conditions()) {
    status.conditions.push_back({.type = std::move(*condition.mutable_type()),
                                 .status = std::move(*condition.mutable_status()),
                                 .reason = std::move(*condition.mutable_reason()),
                                 .message = std::move(*condition.mutable_message()),
                                 .lastTransitionTime = textOf(condition.lasttransitiontime()),
                                 .observedGeneration = condition.observedgeneration()});
  }
  auto data = jsonFrom(from.data(), "status.devices: data");
  if (!data) {
    return unexpected(data.error());
  }
  status.data = *std::move(data);
  return status;
}

/// The object in its envelope, which says what it is: `raw` is of the type that `typeMeta` names.
Result<meta::Unknown> openEnvelope(std::string_view body) {
  body.remove_prefix(std::min(kMagic.size(), body.size()));
  meta::Unknown envelope;
  if (!envelope.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return unexpected(Status::dataLoss("not valid Protobuf"));
  }
  if (!envelope.contentencoding().empty()) {
    return unexpected(
        Status::dataLoss("its encoding \"{}\" is unknown", base::excerpt(envelope.contentencoding(), kMaxText)));
  }
  return envelope;
}

}  // namespace

bool isProtobuf(std::string_view body) {
  return body.starts_with(kMagic);
}

Result<ResourceClaim> resourceClaimFromProtobuf(std::string_view body) {
  auto envelope = openEnvelope(body);
  if (!envelope) {
    return unexpected(envelope.error());
  }
  const auto& type = envelope->typemeta();
  if (type.kind() != "ResourceClaim" || type.apiversion() != "resource.k8s.io/v1") {
    return unexpected(Status::dataLoss("expected a ResourceClaim of resource.k8s.io/v1, found a {} of {}",
                                       base::excerpt(type.kind(), kMaxText),
                                       base::excerpt(type.apiversion(), kMaxText)));
  }
  resource::ResourceClaim from;
  if (!from.ParseFromString(envelope->raw())) {
    return unexpected(Status::dataLoss("not a valid ResourceClaim"));
  }
  ResourceClaim claim;
  claim.metadata = metadataFrom(*from.mutable_metadata());
  auto& status = *from.mutable_status();
  if (status.has_allocation()) {
    auto allocation = allocationFrom(*status.mutable_allocation()->mutable_devices());
    if (!allocation) {
      return unexpected(allocation.error());
    }
    claim.allocation = *std::move(allocation);
  }
  for (auto& consumer : *status.mutable_reservedfor()) {
    claim.reservedFor.push_back({.apiGroup = std::move(*consumer.mutable_apigroup()),
                                 .resource = std::move(*consumer.mutable_resource()),
                                 .name = std::move(*consumer.mutable_name()),
                                 .uid = std::move(*consumer.mutable_uid())});
  }
  for (auto& device : *status.mutable_devices()) {
    auto deviceStatus = deviceStatusFrom(device);
    if (!deviceStatus) {
      return unexpected(deviceStatus.error());
    }
    claim.devices.push_back(*std::move(deviceStatus));
  }
  return claim;
}

std::optional<ApiStatus> apiStatusFromProtobuf(std::string_view body) {
  auto envelope = openEnvelope(body);
  meta::Status from;
  if (!envelope || envelope->typemeta().kind() != "Status" || !from.ParseFromString(envelope->raw())) {
    return std::nullopt;
  }
  const auto& details = from.details();
  ApiStatus status{.code = from.code(),
                   .reason = std::move(*from.mutable_reason()),
                   .message = std::move(*from.mutable_message()),
                   .namesObject = !details.name().empty() || !details.kind().empty(),
                   .retryAfter = {}};
  if (details.retryafterseconds() > 0) {
    status.retryAfter = std::chrono::seconds(details.retryafterseconds());
  }
  return status;
}

}  // namespace simgpu::kube
