#!/usr/bin/env bats
# What the scheduler makes of the published devices.
bats_require_minimum_version 1.5.0
load lib

# A namespace for each test: one of the same name could be on its way out still.
NAMESPACE="e2e-scheduling-$BATS_TEST_NUMBER"

setup_file() { ensure_driver; }
teardown() {
  [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$NAMESPACE"
  delete_namespace "$NAMESPACE"
}

scheduling_event() {
  kubectl --namespace "$NAMESPACE" get events --field-selector "involvedObject.name=$1,reason=FailedScheduling" \
    --output jsonpath='{.items[*].message}' | grep .
}

@test "a pod that asks for more GPUs than a node has stays pending, and the scheduler says why" {
  gpu_pod "$NAMESPACE" greedy 9
  eventually 30 scheduling_event greedy
  contains "$(scheduling_event greedy)" "cannot allocate all claims"
  equal "$(kubectl --namespace "$NAMESPACE" get pod greedy --output jsonpath='{.status.phase}')" Pending
}

@test "a pod that waits for GPUs gets those which another one gives back" {
  local node
  node="$(one_node)"
  gpu_pod "$NAMESPACE" first 8 "$node"
  running "$NAMESPACE" first
  gpu_pod "$NAMESPACE" second 8 "$node"
  eventually 30 scheduling_event second
  kubectl --namespace "$NAMESPACE" delete pod first --timeout 60s
  running "$NAMESPACE" second
  equal "$(gpus "$NAMESPACE" second | wc -l)" 8
}

@test "pods that do not fit on one node are spread over the nodes" {
  (($(nodes | wc -l) > 1)) || skip "the cluster has one node"
  gpu_pod "$NAMESPACE" left 5
  gpu_pod "$NAMESPACE" right 5
  running "$NAMESPACE" left right
  [[ "$(node_of left "$NAMESPACE")" != "$(node_of right "$NAMESPACE")" ]]
}
