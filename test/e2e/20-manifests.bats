#!/usr/bin/env bats
# Installing without Helm: kubectl apply -f deploy/.
bats_require_minimum_version 1.5.0
load lib

NAMESPACE=dra-tutorial

setup_file() {
  mkdir "$BATS_FILE_TMPDIR/deploy"
  local file
  for file in "$ROOT"/deploy/*.yaml; do
    sed "s#image: \"dra-driver-sim-gpu:.*\"#image: \"$E2E_IMAGE\"#" "$file" >"$BATS_FILE_TMPDIR/deploy/${file##*/}"
  done
}

teardown() { [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$NAMESPACE"; }

teardown_file() {
  kubectl delete --filename "$BATS_FILE_TMPDIR/deploy" --ignore-not-found --timeout 120s >/dev/null
}

@test "kubectl apply -f deploy/ installs the driver, and nine GPUs on each node" {
  kubectl apply --filename "$BATS_FILE_TMPDIR/deploy"
  kubectl --namespace "$NAMESPACE" rollout status daemonset/dra-example-driver-kubeletplugin --timeout 120s
  local node
  for node in $(nodes); do
    eventually 30 prints 9 devices_of "$node"
  done
}

@test "a pod gets a GPU from it" {
  gpu_pod e2e-manifests pod0
  running e2e-manifests pod0
  equal "$(gpus e2e-manifests pod0 | wc -l)" 1
  delete_namespace e2e-manifests
}

@test "the tutorial's manifests can be applied over it" {
  kubectl --namespace "$NAMESPACE" apply --dry-run=server --filename "$E2E/tutorial/deviceclass.yaml" \
    --filename "$E2E/tutorial/priorityclass.yaml" --filename "$E2E/tutorial/dra-driver-daemonset.yaml" --filename "$E2E/tutorial/rbac.yaml"
}

@test "kubectl delete -f deploy/ removes all of it" {
  kubectl delete --filename "$BATS_FILE_TMPDIR/deploy" --timeout 120s
  refused NotFound kubectl get deviceclass "$DRIVER"
  refused NotFound kubectl get clusterrole dra-example-driver-role
  refused NotFound kubectl get namespace "$NAMESPACE"
}
