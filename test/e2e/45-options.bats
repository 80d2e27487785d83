#!/usr/bin/env bats
# The manifests of deploy/examples/ that need other values of the chart, or feature gates: their first lines say which.
bats_require_minimum_version 1.5.0
load lib

teardown() { clean_up_example; }
teardown_file() { ensure_driver; }

# needs_api GROUP_VERSION KIND — skips the test where the API server does not serve that.
needs_api() {
  kubectl api-resources --api-group "${1%/*}" --no-headers 2>/dev/null | grep -q " $1 .* $2\$" || skip "the cluster does not serve $2 of $1"
}

# results NAMESPACE FILTER — of all allocated devices there, as jq says.
results() {
  kubectl --namespace "$1" get resourceclaims --output json | jq -r "[.items[].status.allocation.devices.results[]] | $2"
}

@test "gpu-partitions: two partitions, and a whole GPU that is another one" {
  needs_kubernetes 1.36
  example gpu-partitions
  all_running gpu-partitions
  equal "$(gpus gpu-partitions pod0 | grep -c -- -partition-)" 2
  equal "$(gpus gpu-partitions pod1 | grep -c -- -full)" 1
  local whole
  whole="$(gpus gpu-partitions pod1)"
  [[ "$(node_of pod0 gpu-partitions)" != "$(node_of pod1 gpu-partitions)" ]] ||
    lacks "${whole%-full}-partition" gpus gpu-partitions pod0
}

@test "shared-gpu: two claims have a share of one GPU each" {
  needs_kubernetes 1.36
  example shared-gpu
  all_running shared-gpu
  equal "$(variable 'GPU_DEVICE_*_MEMORY' shared-gpu pod0) $(variable 'GPU_DEVICE_*_COMPUTE' shared-gpu pod1)" "16Gi 20"
  equal "$(results shared-gpu 'map(.shareID) | unique | length')" 2
}

@test "shared-partition: two claims have a share of one partition each" {
  needs_kubernetes 1.36
  example shared-partition
  all_running shared-partition
  equal "$(results shared-partition 'map(.consumedCapacity.memory) | unique | join(" ")')" 8Gi
  equal "$(results shared-partition 'map(.shareID) | unique | length')" 2
}

@test "shared-bandwidth: two claims have a share of the bandwidth each, and one may exceed it for a moment" {
  needs_kubernetes 1.36
  example shared-bandwidth
  all_running shared-bandwidth
  equal "$(variable 'NET_DEVICE_*_INGRESS_RATE' shared-bandwidth pod0) $(variable 'NET_DEVICE_*_EGRESS_RATE' shared-bandwidth pod0)" \
    "10000000000 5000000000"
  equal "$(variable 'NET_DEVICE_*_INGRESS_BURST' shared-bandwidth pod1) $(variable 'NET_DEVICE_*_EGRESS_BURST' shared-bandwidth pod1)" \
    "1000000 2000000"
}

@test "binding-conditions: the pod runs after the controller said that its GPU is ready, beside what the driver says of it" {
  needs_kubernetes 1.36
  example binding-conditions
  all_running binding-conditions
  equal "$(gpus binding-conditions pod0 | wc -l)" 1
  status() { kubectl --namespace binding-conditions get resourceclaims --output json | jq -r ".items[].status.devices[] | $1"; }
  equal "$(status '.conditions[] | "\(.type) \(.status) \(.message)"')" "BindingConditions True Device is ready"
  # shellcheck disable=SC2317 # called by name
  described() { [[ "$(status .data.uuid.string)" == gpu-* ]]; }
  eventually 30 described
}

@test "native-resources: CPUs of a claim count as CPUs of the node" {
  needs_kubernetes 1.36
  example native-resources
  kubectl get resourceslices --field-selector spec.driver=cpu.example.com --output json | grep -q nodeAllocatableResource ||
    skip "the feature gate DRANodeAllocatableResources is off"
  all_running native-resources
  equal "$(variable CPU_DEVICE_0_CONSUMED_CPU native-resources pod0)" 1
  equal "$(results native-resources 'map(.shareID) | unique | length')" 2
}

@test "device-taints: a pod waits, one runs on, and one is evicted" {
  needs_api resource.k8s.io/v1beta2 DeviceTaintRule
  example device-taints
  running device-taints pod1
  equal "$(kubectl --namespace device-taints get pod pod0 --output jsonpath='{.status.phase}')" Pending
  eventually 150 refused NotFound kubectl --namespace device-taints get pod pod2
  running device-taints pod1
}

@test "pod-group: two pods of a group have one GPU" {
  needs_api scheduling.k8s.io/v1alpha2 PodGroup
  example pod-group
  kubectl --namespace pod-group rollout status deployment/group0 --timeout 120s
  kubectl --namespace pod-group rollout status deployment/group1 --timeout 120s
  equal "$(results pod-group length)" 2
}

# described POD — name and UUID of the device in the metadata that the pod prints, each version's.
described() {
  kubectl --namespace device-metadata logs "$1" | sed -n '/^{/,$p' |
    jq -r '[.apiVersion, (.requests[].devices[] | .name, .attributes.uuid.string)] | join(" ")'
}

@test "device-metadata: a container reads which device it has, under the name of the claim in the pod or its own" {
  example device-metadata
  all_running device-metadata
  local pod device uuid
  for pod in pod0 pod1; do
    device="$(gpus device-metadata "$pod")"
    uuid="$(kubectl get resourceslices --field-selector "spec.nodeName=$(node_of "$pod" device-metadata)" --output json |
      jq -r --arg device "$device" '.items[].spec.devices[]? | select(.name == $device) | .attributes.uuid.string')"
    equal "$(described "$pod")" "metadata.resource.k8s.io/v1beta1 $device $uuid
metadata.resource.k8s.io/v1alpha1 $device $uuid"
  done
}
