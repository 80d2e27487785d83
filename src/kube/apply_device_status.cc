#include "kube/answer.h"
#include "kube/target.h"
#include "simgpu/kube/client.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;

/// What a refusal of a device status means beyond its HTTP status. The API server checks both as part of validation,
/// and so answers 422.
Status meaningOfRefusedStatus(const Status& refusal) {
  const std::string& message = refusal.message();
  if (refusal.code() != Code::invalidArgument) {
    return refusal;
  }
  if (message.find("metadata.uid: ") != std::string::npos) {
    return {Code::notFound, message + " (the claim was deleted and created anew)"};
  }
  if (message.find("resource=\"resourceclaims/driver\"") != std::string::npos) {
    return {Code::permissionDenied,
            message +
                " (needs \"associated-node:patch\", or \"arbitrary-node:patch\" from another node than the claim's, on "
                "resourceclaims/driver in the API group resource.k8s.io, with the driver's name as resource name)"};
  }
  return refusal;
}

}  // namespace

Result<ResourceClaim> Client::applyDeviceStatus(const ObjectMeta& claim,
                                                const std::vector<AllocatedDeviceStatus>& devices,
                                                std::string_view manager, const Wait& wait) {
  const Operation operation{
      .what = fmt::format("write the device status of ResourceClaim {}/{}", claim.space, claim.name),
      .verb = "patch",
      .resource = "resourceclaims/status",
      .group = "resource.k8s.io"};
  json patch = json::object();
  patch["apiVersion"] = "resource.k8s.io/v1";
  patch["kind"] = "ResourceClaim";
  patch["metadata"]["name"] = claim.name;
  patch["metadata"]["namespace"] = claim.space;
  patch["metadata"]["uid"] = claim.uid;
  auto& entries = patch["status"]["devices"] = json::array();
  for (const auto& device : devices) {
    entries.push_back(toJson(device));
  }
  auto stored = decodeAnswer(operation,
                             send(operation.what,
                                  {.method = "PATCH",
                                   .target = fmt::format("{}/status?fieldManager={}&force=true",
                                                         claimPath(claim.space, claim.name), escaped(manager)),
                                   .body = dumpJson(patch),  // JSON is YAML
                                   .contentType = "application/apply-patch+yaml",
                                   .deadline = wait.deadline},
                                  wait),
                             resourceClaimFromJson);
  return stored ? std::move(stored) : unexpected(meaningOfRefusedStatus(stored.error()));
}

}  // namespace simgpu::kube
