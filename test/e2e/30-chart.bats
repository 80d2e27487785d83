#!/usr/bin/env bats
# Installing by Helm.
bats_require_minimum_version 1.5.0
load lib

setup_file() { ensure_driver; }
teardown() { [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$RELEASE"; }

@test "each node offers the eight GPUs of the chart's defaults" {
  local node
  for node in $(nodes); do
    equal "$(devices_of "$node")" 8
  done
}

@test "helm says what to do next" {
  contains "$(helm get notes "$RELEASE" --namespace "$RELEASE")" "helm test $RELEASE --namespace $RELEASE"
}

@test "helm test gives a pod a device and finds it there" {
  local output
  output="$(helm test "$RELEASE" --namespace "$RELEASE" --timeout 3m 2>&1)"
  contains "$output" "Phase:          Succeeded"
  [[ "$output" =~ gpu-[0-7]\ +claim=[0-9a-f-]{36}\ +driver=gpu.example.com\ +node= ]]
}

@test "the driver runs without privileges and capabilities, and cannot write to its own files" {
  local pod context
  pod="$(plugin_pod "$(one_node)")"
  context="$(kubectl --namespace "$RELEASE" get pod "$pod" --output json | jq -c '.spec.containers[0].securityContext')"
  equal "$(jq -c '[.privileged, .allowPrivilegeEscalation, .readOnlyRootFilesystem, .capabilities.drop, .seccompProfile.type]' <<<"$context")" \
    '[false,false,true,["ALL"],"RuntimeDefault"]'
  equal "$(kubectl --namespace "$RELEASE" get pod "$pod" --output json | jq '[.spec.volumes[] | select(.hostPath)] | length')" 3
}

@test "the kernel confirms it: no capability, no new privileges, a seccomp filter" {
  needs node-exec
  local node uid process status
  node="$(one_node)"
  uid="$(kubectl --namespace "$RELEASE" get pod "$(plugin_pod "$node")" --output jsonpath='{.metadata.uid}')"
  process="$(processes_of_pod "$node" "$uid" dra-sim-gpu)"
  status="$(node_exec "$node" cat "/proc/$process/status")"
  equal "$(awk '/^Cap(Inh|Prm|Eff|Bnd|Amb)/ {print $2}' <<<"$status" | sort -u)" 0000000000000000
  equal "$(awk '/^NoNewPrivs/ {print $2}' <<<"$status")" 1
  equal "$(awk '/^Seccomp:/ {print $2}' <<<"$status")" 2
}

@test "the driver's account has the rights that it needs and no others" {
  local account="--as=system:serviceaccount:$RELEASE:sim-gpu-dra-driver-sim-gpu-service-account" answer
  can() { kubectl auth can-i "$@" "$account" --all-namespaces 2>/dev/null || true; }
  equal "$(can get resourceclaims)" yes
  equal "$(can create resourceslices)" yes
  for answer in "list secrets" "get pods" "update resourceclaims" "update resourceclaims/status" "patch nodes" "create pods"; do
    # shellcheck disable=SC2086 # verb and resource
    equal "$answer: $(can $answer)" "$answer: no"
  done
}

@test "the driver of one node cannot write the slices of another" {
  local node other pod token
  node="$(nodes | sed -n 1p)" other="$(nodes | sed -n 2p)"
  [[ -n "$other" ]] || skip "the cluster has one node"
  pod="$(plugin_pod "$node")"
  token="$(kubectl --namespace "$RELEASE" create token sim-gpu-dra-driver-sim-gpu-service-account \
    --bound-object-kind Pod --bound-object-name "$pod" \
    --bound-object-uid "$(kubectl --namespace "$RELEASE" get pod "$pod" --output jsonpath='{.metadata.uid}')")"
  # With nothing of the kubeconfig but the server: a client certificate would win over the token.
  kubectl config view --minify --raw --output json | jq --arg token "$token" '.users[].user = {token: $token}' >"$BATS_TEST_TMPDIR/kubeconfig"
  slice() { # of NODE, deleted or not: dry runs pass through admission as well
    printf '{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "e2e-foreign"},
      "spec": {"driver": "%s", "nodeName": "%s", "pool": {"name": "e2e", "generation": 1, "resourceSliceCount": 1}}}' "$DRIVER" "$1" |
      kubectl --kubeconfig "$BATS_TEST_TMPDIR/kubeconfig" create --dry-run=server --filename -
  }
  slice "$node"
  refused "this user running on node '$node' may not modify resourceslices on node '$other'" slice "$other"
  local foreign
  foreign="$(kubectl get resourceslices --field-selector "spec.nodeName=$other" --output name | head -n 1)"
  refused "may not modify resourceslices on node '$other'" \
    kubectl --kubeconfig "$BATS_TEST_TMPDIR/kubeconfig" delete --dry-run=server "$foreign"
}

@test "the API server accepts every object, of the chart with each file of values, of deploy/ and the examples" {
  "$ROOT/hack/check-chart.sh" --server
}

@test "the values of the reference driver's chart work as they are" {
  ensure_driver --values "$CHART/ci/reference-values.yaml"
  ensure_driver
}

@test "unknown and mistyped values are refused" {
  refused "kubeletPlugin" chart "upgrade --dry-run=client" "$RELEASE" --set kubeletPlugin.numDevicez=3
  refused "numDevices" chart "upgrade --dry-run=client" "$RELEASE" --set kubeletPlugin.numDevices=many
}

@test "the namespace default is refused unless it is allowed" {
  local version
  version="$(kubectl version --output json | jq -r .serverVersion.gitVersion)"
  refused "Running in the 'default' namespace is not recommended" helm template e2e "$CHART" --kube-version "$version" --namespace default
  helm template e2e "$CHART" --kube-version "$version" --namespace default --set allowDefaultNamespace=true >/dev/null
}
