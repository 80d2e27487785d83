#!/usr/bin/env bats
# Two releases with different driver names on the same nodes.
bats_require_minimum_version 1.5.0
load lib

NAMESPACE=e2e-two
REFUSED=e2e-two-refused

setup_file() {
  chart "upgrade --install" red --set driverName=red.example.com --set kubeletPlugin.numDevices=2 >/dev/null
  chart "upgrade --install" blue --set driverName=blue.example.com --set kubeletPlugin.numDevices=3 >/dev/null
  eventually 60 offers_on_every_node red.example.com
  eventually 60 offers_on_every_node blue.example.com
}

teardown() { [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$NAMESPACE" "$REFUSED" red blue; }

teardown_file() {
  delete_namespace "$NAMESPACE" "$REFUSED"
  local release
  for release in red blue; do
    helm uninstall "$release" --namespace "$release" --wait --timeout 2m >/dev/null
    kubectl delete namespace "$release" --wait=false >/dev/null
  done
}

@test "each offers its own devices" {
  local node
  for node in $(nodes); do
    equal "$(devices_of "$node" red.example.com) $(devices_of "$node" blue.example.com)" "2 3"
  done
}

# specs NODE CLAIM CLAIM — how many CDI specs there are for these claims.
specs() {
  local node="$1" found
  shift
  found="$(node_exec "$node" sh -c 'ls -A /var/run/cdi')"
  grep --count --fixed-strings --regexp "$1" --regexp "$2" <<<"$found" || true
}

@test "a pod whose other driver refuses says why, and ends cleanly" {
  kubectl create namespace "$REFUSED" >/dev/null
  eventually 30 kubectl --namespace "$REFUSED" get serviceaccount default
  kubectl apply --filename - <<MANIFEST
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {namespace: $REFUSED, name: red}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: red.example.com}}]}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {namespace: $REFUSED, name: blue}
spec:
  devices:
    requests: [{name: gpu, exactly: {deviceClassName: blue.example.com}}]
    config:
      - opaque:
          driver: blue.example.com
          parameters:
            apiVersion: gpu.resource.example.com/v1alpha1
            kind: GpuConfig
            sharing: {strategy: TimeSlicing, timeSlicingConfig: {interval: Forever}}
---
apiVersion: v1
kind: Pod
metadata: {namespace: $REFUSED, name: both}
spec:
  containers:
    - name: ctr0
      image: busybox:1.37.0
      command: [sleep, infinity]
      resources: {claims: [{name: red}, {name: blue}]}
  resourceClaims:
    - {name: red, resourceClaimName: red}
    - {name: blue, resourceClaimName: blue}
MANIFEST
  refusal() {
    kubectl --namespace "$REFUSED" get events --field-selector reason=FailedPrepareDynamicResources --output json | jq -r '.items[].message'
  }
  eventually 60 mentions "unknown time-slice interval: Forever" refusal
  local node claims=() claim
  node="$(node_of both "$REFUSED")"
  for claim in red blue; do
    claims+=("$(kubectl --namespace "$REFUSED" get resourceclaim "$claim" --output jsonpath='{.metadata.uid}')")
  done
  kubectl --namespace "$REFUSED" delete pod both --timeout 60s
  ! provider_can node-exec || eventually 30 prints 0 specs "$node" "${claims[@]}"
  is_free() { kubectl --namespace "$REFUSED" get resourceclaim red --output json | jq --exit-status '.status.allocation == null'; }
  eventually 30 is_free
}

@test "a pod with a claim of each has the devices of both" {
  kubectl create namespace "$NAMESPACE" >/dev/null
  eventually 30 kubectl --namespace "$NAMESPACE" get serviceaccount default
  kubectl apply --filename - <<MANIFEST
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {namespace: $NAMESPACE, name: red}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: red.example.com, count: 2}}]}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {namespace: $NAMESPACE, name: blue}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: blue.example.com, count: 3}}]}}
---
apiVersion: v1
kind: Pod
metadata: {namespace: $NAMESPACE, name: both}
spec:
  containers:
    - name: red
      image: busybox:1.37.0
      command: [sh, -c, "env | sort; trap 'exit 0' TERM; sleep infinity & wait"]
      resources: {claims: [{name: red}]}
    - name: blue
      image: busybox:1.37.0
      command: [sh, -c, "env | sort; trap 'exit 0' TERM; sleep infinity & wait"]
      resources: {claims: [{name: blue}]}
  resourceClaims:
    - {name: red, resourceClaimName: red}
    - {name: blue, resourceClaimName: blue}
MANIFEST
  running "$NAMESPACE" both
  equal "$(gpus "$NAMESPACE" both red | wc -l) $(variable DRA_RESOURCE_DRIVER_NAME "$NAMESPACE" both red)" "2 red.example.com"
  equal "$(gpus "$NAMESPACE" both blue | wc -l) $(variable DRA_RESOURCE_DRIVER_NAME "$NAMESPACE" both blue)" "3 blue.example.com"
}

@test "one release goes, and the other goes on" {
  helm uninstall red --namespace red --wait --timeout 2m
  gpu_pod_of_blue() { kubectl --namespace "$NAMESPACE" get pod both --output jsonpath='{.status.phase}'; }
  equal "$(gpu_pod_of_blue)" Running
  local node
  for node in $(nodes); do
    equal "$(devices_of "$node" blue.example.com)" 3
  done
  # For the pod to end, its driver must be there.
  chart "upgrade --install" red --set driverName=red.example.com --set kubeletPlugin.numDevices=2
  kubectl --namespace "$NAMESPACE" delete pod both --timeout 60s
}
