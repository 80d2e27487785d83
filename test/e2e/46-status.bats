#!/usr/bin/env bats
# What the driver writes into claims, and what it tells of itself.
bats_require_minimum_version 1.5.0
load lib

NAMESPACE="e2e-status-$BATS_TEST_NUMBER"

teardown() {
  [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$NAMESPACE" "$RELEASE"
  delete_namespace "$NAMESPACE"
}

teardown_file() { ensure_driver; }

# device_status NAMESPACE POD FILTER — of the first device in the status of the pod's only claim.
device_status() {
  local uid
  uid="$(claim_of "$1" "$2")"
  kubectl --namespace "$1" get resourceclaims --output json |
    jq -er --arg uid "$uid" "[.items[] | select(.metadata.uid == \$uid) | .status.devices[]][0] | $3"
}

@test "gpuDeviceStatus: the claim's status says which GPU it is, on every node" {
  ensure_driver --set gpuDeviceStatus=true
  local node pod uuid
  for node in $(nodes); do
    pod="on-$node"
    gpu_pod "$NAMESPACE" "$pod" 1 "$node"
    running "$NAMESPACE" "$pod"
    eventually 30 device_status "$NAMESPACE" "$pod" .data.uuid.string
    uuid="$(kubectl get resourceslices --field-selector "spec.nodeName=$node,spec.driver=$DRIVER" --output json |
      jq -r --arg gpu "$(gpus "$NAMESPACE" "$pod")" '.items[].spec.devices[] | select(.name == $gpu) | .attributes.uuid.string')"
    equal "$(device_status "$NAMESPACE" "$pod" '[.driver, .pool, .device, .data.uuid.string, .data.model.string, .data.driverVersion.version] | join(" ")')" \
      "$DRIVER $node $(gpus "$NAMESPACE" "$pod") $uuid LATEST-GPU-MODEL 1.0.0"
  done
}

@test "metrics: prepared claims, calls of the kubelet and requests to the API server are counted" {
  ensure_driver
  local node metrics
  node="$(one_node)"
  gpu_pod "$NAMESPACE" user 1 "$node"
  running "$NAMESPACE" user
  metrics="$(kubectl get --raw "/api/v1/namespaces/$RELEASE/pods/$(plugin_pod "$node"):8080/proxy/metrics")"
  grep -qE '^dra_example_driver_prepare_claims_total\{result="success"\} [1-9]' <<<"$metrics"
  grep -qE '^dra_example_driver_prepare_claims_total\{result="error"\} 0' <<<"$metrics"
  grep -qE '^dra_sim_gpu_prepared_claims 1$' <<<"$metrics"
}
