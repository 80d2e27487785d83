#!/usr/bin/env bats
# Manifests of deploy/examples/ that need other settings than the chart's defaults.
bats_require_minimum_version 1.5.0
load lib

setup_file() { ensure_driver --set kubeletPlugin.deviceMetadata=true; }
teardown_file() { ensure_driver; }

# example NAME — applies deploy/examples/NAME.yaml; its objects are in a namespace of that name.
example() {
  EXAMPLE="$1"
  apply "$ROOT/deploy/examples/$1.yaml"
}

teardown() {
  [[ -n "${EXAMPLE:-}" ]] || return 0
  [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$EXAMPLE"
  delete_namespace "$EXAMPLE"
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
