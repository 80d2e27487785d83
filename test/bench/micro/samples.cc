#include "bench/micro/samples.h"

#include <fmt/format.h>

#include "simgpu/claim/allocation.h"
#include "simgpu/kube/json.h"

namespace simgpu::bench {
namespace {

constexpr std::string_view kClaim = R"({
  "kind":"ResourceClaim","apiVersion":"resource.k8s.io/v1",
  "metadata":{"name":"train","namespace":"team-a","uid":"303b27ee-0000-4000-8000-000000000000","resourceVersion":"4711",
    "creationTimestamp":"2026-01-01T00:00:00Z","finalizers":["resource.kubernetes.io/delete-protection"],
    "annotations":{"resource.kubernetes.io/pod-claim-name":"gpu"},
    "ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"train-0","uid":"303b27ee-1111-4000-8000-000000000000",
      "controller":true,"blockOwnerDeletion":true}],
    "managedFields":[
      {"manager":"kube-controller-manager","operation":"Update","apiVersion":"resource.k8s.io/v1","time":"2026-01-01T00:00:00Z",
       "fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:resource.kubernetes.io/pod-claim-name":{}},
         "f:generateName":{},"f:ownerReferences":{".":{},"k:{\"uid\":\"303b27ee-1111-4000-8000-000000000000\"}":{}}},
         "f:spec":{"f:devices":{"f:config":{},"f:requests":{}}}}},
      {"manager":"kube-scheduler","operation":"Update","apiVersion":"resource.k8s.io/v1","time":"2026-01-01T00:00:01Z",
       "fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:finalizers":{}},"f:status":{"f:allocation":{".":{},
         "f:devices":{"f:config":{},"f:results":{}},"f:nodeSelector":{}},"f:reservedFor":{}}},"subresource":"status"}]},
  "spec":{"devices":{
    "requests":[{"name":"gpu","exactly":{"deviceClassName":"gpu.example.com","allocationMode":"ExactCount","count":1}}],
    "config":[{"requests":["gpu"],"opaque":{"driver":"gpu.example.com","parameters":{
      "apiVersion":"gpu.resource.example.com/v1alpha1","kind":"GpuConfig",
      "sharing":{"strategy":"TimeSlicing","timeSlicingConfig":{"interval":"Long"}}}}}]}},
  "status":{
    "allocation":{
      "devices":{"results":[{"request":"gpu","driver":"gpu.example.com","pool":"node-a","device":"gpu-0"}],
        "config":[{"source":"FromClaim","requests":["gpu"],"opaque":{"driver":"gpu.example.com","parameters":{
          "apiVersion":"gpu.resource.example.com/v1alpha1","kind":"GpuConfig",
          "sharing":{"strategy":"TimeSlicing","timeSlicingConfig":{"interval":"Long"}}}}}]},
      "nodeSelector":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["node-a"]}]}]},
      "allocationTimestamp":"2026-01-01T00:00:01Z"},
    "reservedFor":[{"resource":"pods","name":"train-0","uid":"303b27ee-1111-4000-8000-000000000000"}]}})";

}  // namespace

const claim::SpecNaming& naming() {
  static const claim::SpecNaming kNaming{.driverName = "gpu.example.com", .cdiClass = "gpu"};
  return kNaming;
}

const device::Inventory& inventory() {
  static const device::Inventory kInventory =
      *device::Inventory::create(*device::Profile::embedded("gpu"),
                                 {.nodeName = "node-a", .driverName = naming().driverName, .numDevices = kDevices});
  return kInventory;
}

std::string_view claimText() {
  return kClaim;
}

std::string claimUid(std::size_t number) {
  return fmt::format("303b27ee-0000-4000-8000-{:012}", number);
}

claim::Record record(std::size_t number) {
  static const kube::ResourceClaim kClaimObject = *kube::resourceClaimFromJson(*kube::parseJson(kClaim));
  kube::Allocation allocation = *kClaimObject.allocation;
  allocation.results.front().device = fmt::format("gpu-{}", number);
  return *claim::resolveAllocation(
      inventory(), naming(), {.space = "team-a", .name = fmt::format("train-{}", number), .uid = claimUid(number)},
      allocation, "boot-1");
}

}  // namespace simgpu::bench
