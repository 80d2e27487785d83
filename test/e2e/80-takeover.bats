#!/usr/bin/env bats
# A node changes from the reference driver to this one and back, with a claim in use: the tutorial's DaemonSet gets another
# image.
bats_require_minimum_version 1.5.0
load lib

MANIFESTS="$E2E/tutorial"
NAMESPACE=dra-tutorial
REFERENCE="${E2E_REFERENCE_IMAGE:-registry.k8s.io/dra-example-driver/dra-example-driver:v0.4.0}"

# nine_gpus — of every node, and not of a driver that was there before.
nine_gpus() {
  local node
  for node in $(nodes); do
    eventually 60 prints 9 devices_of "$node"
  done
}

setup_file() {
  provider_can reference-image || skip "the provider $E2E_PROVIDER has no image of the reference driver"
  remove_driver
  kubectl create namespace "$NAMESPACE" >/dev/null
  kubectl label namespace "$NAMESPACE" pod-security.kubernetes.io/enforce=privileged >/dev/null
  apply "$MANIFESTS/deviceclass.yaml"
  apply "$MANIFESTS/priorityclass.yaml"
  apply "$MANIFESTS/rbac.yaml"
  sed "s#image: dra-driver-sim-gpu:.*#image: $REFERENCE#" "$MANIFESTS/dra-driver-daemonset.yaml" | kubectl apply --filename - >/dev/null
  kubectl --namespace "$NAMESPACE" rollout status daemonset/dra-example-driver-kubeletplugin --timeout 120s >/dev/null
  nine_gpus
}

teardown() { [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$NAMESPACE"; }

teardown_file() {
  provider_can reference-image || return 0
  delete_namespace "$NAMESPACE"
  kubectl delete --ignore-not-found --filename "$MANIFESTS/deviceclass.yaml" --filename "$MANIFESTS/priorityclass.yaml" \
    --filename "$MANIFESTS/rbac.yaml" >/dev/null
  kubectl wait --for delete "namespace/$NAMESPACE" --timeout 120s >/dev/null
  # What the reference driver leaves behind.
  local node
  for node in $(nodes); do
    node_exec "$node" rm -f /var/run/cdi/k8s.gpu.example.com-gpu_common.yaml "/var/lib/kubelet/plugins/$DRIVER/checkpoint.json"
  done
}

# use IMAGE — the DaemonSet runs that image on every node.
use() {
  kubectl --namespace "$NAMESPACE" set image daemonset/dra-example-driver-kubeletplugin "plugin=$1"
  kubectl --namespace "$NAMESPACE" rollout status daemonset/dra-example-driver-kubeletplugin --timeout 120s
  nine_gpus
}

@test "what the reference driver publishes, this driver publishes too, device by device" {
  local node
  node="$(one_node)"
  published() {
    kubectl get resourceslices --field-selector "spec.nodeName=$node,spec.driver=$DRIVER" --output json |
      jq --sort-keys '[.items[].spec.devices[]] | sort_by(.name)'
  }
  local reference
  reference="$(published)"
  gpu_pod "$NAMESPACE" user 1 "$node"
  running "$NAMESPACE" user
  use "$E2E_IMAGE"
  equal "$(published)" "$reference"
}

@test "a pod that the reference driver prepared goes on, and its GPU is not given to another" {
  prints 0 restarts "$NAMESPACE" user
  restart_container "$NAMESPACE" user
  local node
  node="$(node_of user "$NAMESPACE")"
  gpu_pod "$NAMESPACE" rest 8 "$node"
  running "$NAMESPACE" rest
  [[ "$(gpus "$NAMESPACE" rest)" != *"$(gpus "$NAMESPACE" user)"* ]]
  ends_cleanly "$NAMESPACE" rest
}

@test "a pod that the reference driver prepared ends cleanly under this one" {
  ends_cleanly "$NAMESPACE" user
}

@test "and back: a pod that this driver prepared goes on and ends cleanly under the reference driver" {
  gpu_pod "$NAMESPACE" back 1 "$(one_node)"
  running "$NAMESPACE" back
  use "$REFERENCE"
  prints 0 restarts "$NAMESPACE" back
  restart_container "$NAMESPACE" back
  ends_cleanly "$NAMESPACE" back
}
