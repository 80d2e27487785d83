#!/usr/bin/env bats
# The driver is replaced or dies while a claim is in use.
bats_require_minimum_version 1.5.0
load lib

# A namespace for each test: one of the same name could be on its way out still.
NAMESPACE="e2e-updates-$BATS_TEST_NUMBER"

setup_file() { ensure_driver; }

setup() {
  gpu_pod "$NAMESPACE" user
  running "$NAMESPACE" user
  NODE="$(node_of user "$NAMESPACE")"
}

teardown() {
  [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$NAMESPACE" "$RELEASE"
  delete_namespace "$NAMESPACE"
}

teardown_file() { ensure_driver; }

# other_plugin_pod POD — the driver's pod on the node, if it is another one.
other_plugin_pod() { plugin_pod "$NODE" | grep -vFx "$1"; }

# other_process PID — the driver's process on the node, if it is another one.
other_process() { processes_of_pod "$NODE" "$PLUGIN_UID" dra-sim-gpu | grep -vFx "$1"; }

@test "a rolling update and a rollback leave a running pod alone, and it ends cleanly" {
  local plugin
  plugin="$(plugin_pod "$NODE")"
  ensure_driver --set kubeletPlugin.containers.plugin.extraEnv[0].name=V --set-string kubeletPlugin.containers.plugin.extraEnv[0].value=4
  other_plugin_pod "$plugin"
  prints 0 restarts "$NAMESPACE" user
  restart_container "$NAMESPACE" user

  helm rollback "$RELEASE" --namespace "$RELEASE" --wait --timeout 2m
  prints 1 restarts "$NAMESPACE" user
  restart_container "$NAMESPACE" user
  ends_cleanly "$NAMESPACE" user
}

@test "pods start and end during a rolling update" {
  kubectl --namespace "$RELEASE" rollout restart "daemonset/$DAEMONSET"
  local i
  for i in 1 2 3 4; do
    gpu_pod "$NAMESPACE" "during-$i"
    running "$NAMESPACE" "during-$i"
    kubectl --namespace "$NAMESPACE" delete pod "during-$i" --timeout 60s
  done
  kubectl --namespace "$RELEASE" rollout status "daemonset/$DAEMONSET" --timeout 120s
  prints 0 restarts "$NAMESPACE" user
  ends_cleanly "$NAMESPACE" user
}

@test "a driver that is killed leaves a running pod alone, serves again, and the pod ends cleanly" {
  needs node-exec
  local process
  PLUGIN_UID="$(kubectl --namespace "$RELEASE" get pod "$(plugin_pod "$NODE")" --output jsonpath='{.metadata.uid}')"
  process="$(processes_of_pod "$NODE" "$PLUGIN_UID" dra-sim-gpu)"
  node_exec "$NODE" kill -KILL "$process"
  eventually 60 other_process "$process"
  kubectl --namespace "$RELEASE" rollout status "daemonset/$DAEMONSET" --timeout 60s
  prints 0 restarts "$NAMESPACE" user
  restart_container "$NAMESPACE" user
  gpu_pod "$NAMESPACE" next 1 "$NODE"
  running "$NAMESPACE" next
  [[ "$(gpus "$NAMESPACE" next)" != "$(gpus "$NAMESPACE" user)" ]]
  ends_cleanly "$NAMESPACE" user
}

@test "a driver's pod that is deleted by force is replaced, and the pod ends cleanly" {
  local plugin
  plugin="$(plugin_pod "$NODE")"
  kubectl --namespace "$RELEASE" delete pod "$plugin" --grace-period 0 --force
  eventually 60 other_plugin_pod "$plugin"
  kubectl --namespace "$RELEASE" rollout status "daemonset/$DAEMONSET" --timeout 60s
  prints 0 restarts "$NAMESPACE" user
  restart_container "$NAMESPACE" user
  ends_cleanly "$NAMESPACE" user
}
