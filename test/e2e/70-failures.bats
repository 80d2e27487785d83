#!/usr/bin/env bats
# Parts of the cluster fail while a claim is in use.
bats_require_minimum_version 1.5.0
load lib

# A namespace for each test: one of the same name could be on its way out still.
NAMESPACE="e2e-failures-$BATS_TEST_NUMBER"

setup_file() {
  ensure_driver
  export NODE
  NODE="$(one_node)"
}

setup() {
  gpu_pod "$NAMESPACE" user 1 "$NODE"
  running "$NAMESPACE" user
}

teardown() {
  [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$NAMESPACE" "$RELEASE"
  delete_namespace "$NAMESPACE"
}

restarted() { (($(restarts "$NAMESPACE" user) > 0)); }
node_is_ready() { kubectl wait node "$NODE" --for condition=Ready --timeout 5s; }

# seconds_between FIRST SECOND — between the last lines with these words in the driver's log on standard input; negative if
# the second was written earlier. Fails if one is missing.
seconds_between() {
  awk -v first="$1" -v second="$2" '
    function seconds(clock, part) { split(clock, part, ":"); return part[1] * 3600 + part[2] * 60 + part[3] }
    index($0, first) { begin = seconds($2) }
    index($0, second) { end = seconds($2) }
    END { if (begin == "" || end == "") exit 1; printf "%.3f\n", end - begin }'
}

@test "a kubelet that restarts wipes its slices: they are back two seconds after it has registered the driver, at most" {
  needs kubelet
  local plugin since took
  plugin="$(plugin_pod "$NODE")"
  since="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  kubelet_stop "$NODE"
  kubelet_start "$NODE"
  from_registered_to_restored() {
    kubectl --namespace "$RELEASE" logs "$plugin" --since-time "$since" |
      seconds_between "The kubelet has registered the driver" "Restored ResourceSlices"
  }
  eventually 60 from_registered_to_restored
  took="$(from_registered_to_restored)"
  echo "# restored $took s after the kubelet had registered the driver" >&3
  awk -v took="$took" 'BEGIN { exit !(took <= 2) }'
  eventually 60 node_is_ready
  prints 8 devices_of "$NODE"
  prints 0 restarts "$NAMESPACE" user
  gpu_pod "$NAMESPACE" next 1 "$NODE"
  running "$NAMESPACE" next
}

@test "a node that is switched off and on prepares its claims again" {
  needs node
  local boot="" after
  ! provider_can boot-id || boot="$(node_exec "$NODE" cat /proc/sys/kernel/random/boot_id)"
  node_stop "$NODE"
  node_start "$NODE"
  equal "$(cdi_files "$NODE")" ""
  if provider_can boot-id; then
    after="$(node_exec "$NODE" cat /proc/sys/kernel/random/boot_id)"
    [[ "$after" != "$boot" ]]
  fi
  eventually 90 node_is_ready
  eventually 150 restarted
  running "$NAMESPACE" user
  equal "$(gpus "$NAMESPACE" user | wc -l)" 1
  contains "$(cdi_files "$NODE")" "$(claim_of "$NAMESPACE" user)"
  eventually 60 prints 8 devices_of "$NODE"
}

@test "a CDI directory that is wiped is filled again for claims in use, and their users are told" {
  needs node-exec
  local claim
  claim="$(claim_of "$NAMESPACE" user)"
  node_exec "$NODE" sh -c 'rm -f /var/run/cdi/*gpu.example.com*'
  is_restored() { cdi_files "$NODE" | grep -q "$claim"; }
  eventually 20 is_restored
  restoring_event() { kubectl --namespace "$NAMESPACE" get events --field-selector reason=RestoredCDISpec --no-headers | grep .; }
  eventually 20 restoring_event
  prints 0 restarts "$NAMESPACE" user
  ends_cleanly "$NAMESPACE" user
}

@test "GPUs of a pod that is deleted by force go to the next pod, and nothing of the first stays" {
  local claim
  claim="$(claim_of "$NAMESPACE" user)"
  kubectl --namespace "$NAMESPACE" delete pod user --grace-period 0 --force
  # All of the node: also those whose container the kubelet may still be ending.
  gpu_pod "$NAMESPACE" next 8 "$NODE"
  running "$NAMESPACE" next
  equal "$(gpus "$NAMESPACE" next | wc -l)" 8
  prints 0 restarts "$NAMESPACE" next
  ! provider_can node-exec || eventually 30 lacks "$claim" cdi_files "$NODE"
  ends_cleanly "$NAMESPACE" next
}

@test "while the API server is away for a minute, pods run on and end; then all is as before" {
  needs apiserver
  local claim short until
  claim="$(claim_of "$NAMESPACE" user)"
  kubectl apply --filename - >/dev/null <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {namespace: $NAMESPACE, name: short}
spec:
  nodeSelector: {kubernetes.io/hostname: $NODE}
  restartPolicy: Never
  containers:
    - name: ctr0
      image: busybox:1.37.0
      command: [sh, -c, "env | sort; sleep 15"]
      resources: {claims: [{name: gpu}]}
  resourceClaims:
    - {name: gpu, resourceClaimTemplateName: user}
MANIFEST
  running "$NAMESPACE" short
  short="$(claim_of "$NAMESPACE" short)"
  contains "$(cdi_files "$NODE")" "$short"

  apiserver_stop
  until=$((SECONDS + 60))
  # The container ends by itself, and its claim is unprepared; that of the pod which goes on stays.
  eventually 55 lacks "$short" cdi_files "$NODE"
  contains "$(cdi_files "$NODE")" "$claim"
  while ((SECONDS < until)); do sleep 1; done
  apiserver_start

  # The kubelet looks again at what the API server has of its node; it takes its time.
  eventually 150 node_is_ready
  prints 0 restarts "$NAMESPACE" user
  kubectl --namespace "$NAMESPACE" wait pod short --for jsonpath='{.status.phase}'=Succeeded --timeout 60s
  eventually 60 prints 8 devices_of "$NODE"
  gpu_pod "$NAMESPACE" next 1 "$NODE"
  running "$NAMESPACE" next
  ends_cleanly "$NAMESPACE" user
}
