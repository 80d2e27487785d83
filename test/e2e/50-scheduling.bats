#!/usr/bin/env bats
# What the scheduler makes of the published devices.
bats_require_minimum_version 1.5.0
load lib

setup_file() { ensure_driver; }
teardown() {
  [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain e2e-scheduling
  delete_namespace e2e-scheduling
}

scheduling_event() {
  kubectl --namespace e2e-scheduling get events --field-selector "involvedObject.name=$1,reason=FailedScheduling" \
    --output jsonpath='{.items[*].message}' | grep .
}

@test "a pod that asks for more GPUs than a node has stays pending, and the scheduler says why" {
  gpu_pod e2e-scheduling greedy 9
  eventually 30 scheduling_event greedy
  contains "$(scheduling_event greedy)" "cannot allocate all claims"
  equal "$(kubectl --namespace e2e-scheduling get pod greedy --output jsonpath='{.status.phase}')" Pending
}

@test "a pod that waits for GPUs gets those which another one gives back" {
  local node
  node="$(one_node)"
  gpu_pod e2e-scheduling first 8 "$node"
  running e2e-scheduling first
  gpu_pod e2e-scheduling second 8 "$node"
  eventually 30 scheduling_event second
  kubectl --namespace e2e-scheduling delete pod first --timeout 60s
  running e2e-scheduling second
  equal "$(gpus e2e-scheduling second | wc -l)" 8
}

@test "pods that do not fit on one node are spread over the nodes" {
  (($(nodes | wc -l) > 1)) || skip "the cluster has one node"
  gpu_pod e2e-scheduling left 5
  gpu_pod e2e-scheduling right 5
  running e2e-scheduling left right
  [[ "$(node_of left e2e-scheduling)" != "$(node_of right e2e-scheduling)" ]]
}
