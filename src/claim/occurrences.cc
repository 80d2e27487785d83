#include "claim/occurrences.h"

#include <fmt/format.h>

namespace simgpu::claim {
namespace {

kube::ObjectReference referenceTo(const ClaimRef& claim) {
  return {.apiVersion = "resource.k8s.io/v1",
          .kind = "ResourceClaim",
          .space = claim.space,
          .name = claim.name,
          .uid = claim.uid};
}

}  // namespace

kube::Occurrence deviceInUse(const ClaimRef& waiting, const Store::Holder& holder, std::string_view node) {
  const ClaimRef& other = holder.claim;
  std::string who = other.name.empty()
                        ? fmt::format("the claim with the UID {}, prepared by another driver", other.uid)
                        : fmt::format("ResourceClaim {}/{} (UID {})", other.space, other.name, other.uid);
  return {.about = referenceTo(waiting),
          .type = "Warning",
          .reason = "DeviceInUse",
          .message = fmt::format("Device {} on node {} is still in use by {}, which has not been unprepared there. The "
                                 "kubelet tries again; if that claim is gone, its devices are released after three "
                                 "minutes.",
                                 holder.device, node, who)};
}

kube::Occurrence releasedAbandoned(const ClaimRef& claim, std::string_view node) {
  return {
      .about = referenceTo(claim),
      .type = "Warning",
      .reason = "ReleasedAbandonedClaim",
      .message = fmt::format("The claim was deleted, but never unprepared on node {}. Its devices have been released "
                             "there.",
                             node)};
}

kube::Occurrence restoredSpec(const ClaimRef& claim, std::string_view node) {
  return {.about = referenceTo(claim),
          .type = "Warning",
          .reason = "RestoredCDISpec",
          .message =
              fmt::format("Somebody deleted the CDI spec of the claim on node {}. It has been written again.", node)};
}

kube::Occurrence restoredDamagedSpec(const ClaimRef& claim, std::string_view node) {
  return {.about = referenceTo(claim),
          .type = "Warning",
          .reason = "RestoredDamagedCDISpec",
          .message = fmt::format("The CDI spec of the claim on node {} could not be understood, and has been written "
                                 "anew. Somebody or something else changes files in the CDI directory.",
                                 node)};
}

}  // namespace simgpu::claim
