#!/usr/bin/env bats
# The manifests of deploy/examples/ that need other values of the chart, or feature gates: their first lines say which.
bats_require_minimum_version 1.5.0
load lib

teardown() {
  [[ -n "${EXAMPLE:-}" ]] || return 0
  [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$EXAMPLE"
  kubectl delete --ignore-not-found --filename "$ROOT/deploy/examples/$EXAMPLE.yaml" --wait=false >/dev/null 2>&1 || true
  delete_namespace "$EXAMPLE"
}

# example NAME — applies deploy/examples/NAME.yaml to a driver with the chart values that its first lines name.
example() {
  EXAMPLE="$1"
  local file="$ROOT/deploy/examples/$1.yaml" values profile value settings=()
  values="$(sed -n 's/^# Chart values: *//p' "$file")"
  for value in $values; do
    settings+=(--set "$value")
  done
  profile="$(tr ' ' '\n' <<<"$values" | sed -n 's/^deviceProfile=//p')"
  DRIVER="${profile:-gpu}.example.com" ensure_driver "${settings[@]}"
  apply "$file"
}

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
