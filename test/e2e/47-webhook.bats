#!/usr/bin/env bats
# The admission webhook, with a certificate of one's own: clusters have cert-manager or they have not.
bats_require_minimum_version 1.5.0
load lib

SERVICE=sim-gpu-dra-driver-sim-gpu-webhook

setup_file() {
  local work="$BATS_FILE_TMPDIR"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=e2e -keyout "$work/ca.key" -out "$work/ca.crt" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$SERVICE" -keyout "$work/tls.key" -out "$work/tls.csr" 2>/dev/null
  openssl x509 -req -in "$work/tls.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial -days 30 -out "$work/tls.crt" \
    -extfile <(echo "subjectAltName=DNS:$SERVICE.$RELEASE.svc") 2>/dev/null
  kubectl create namespace "$RELEASE" --dry-run=client --output yaml | kubectl apply --filename - >/dev/null 2>&1
  kubectl --namespace "$RELEASE" create secret tls e2e-webhook --cert "$work/tls.crt" --key "$work/tls.key" >/dev/null
  ensure_driver --set webhook.enabled=true --set webhook.tls.secretName=e2e-webhook --set-file webhook.tls.caBundle="$work/ca.crt"
  # Every API server must have heard of it.
  eventually 60 denied v1 "$(config InvalidInterval)"
}

teardown() { [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$RELEASE"; }

teardown_file() {
  ensure_driver
  kubectl --namespace "$RELEASE" delete secret e2e-webhook >/dev/null
}

# config INTERVAL [DRIVER] — an opaque configuration.
config() {
  jq -cn --arg interval "$1" --arg driver "${2:-$DRIVER}" '{opaque: {driver: $driver, parameters: {
    apiVersion: "gpu.resource.example.com/v1alpha1", kind: "GpuConfig",
    sharing: {strategy: "TimeSlicing", timeSlicingConfig: {interval: $interval}}}}}'
}

# claim VERSION CONFIG — a claim with that configuration.
claim() {
  jq -cn --arg version "resource.k8s.io/$1" --argjson config "$2" --arg class "$DRIVER" '{apiVersion: $version, kind: "ResourceClaim",
    metadata: {name: "e2e-webhook", namespace: "default"}, spec: {devices: {config: [$config], requests: [
      if $version == "resource.k8s.io/v1beta1" then {name: "gpu", deviceClassName: $class}
      else {name: "gpu", exactly: {deviceClassName: $class}} end]}}}'
}

template() {
  claim v1 "$1" | jq -c '{apiVersion, kind: "ResourceClaimTemplate", metadata, spec: {spec}}'
}

create() { kubectl create --dry-run=server --filename - <<<"$1"; }
denied() { refused "unknown time-slice interval: InvalidInterval" create "$(claim "$@")"; }

@test "claims with parameters that the driver would refuse are refused at once, in every version of the API" {
  local version
  for version in v1 v1beta2 v1beta1; do
    kubectl get --raw "/apis/resource.k8s.io/$version" >/dev/null 2>&1 || continue
    denied "$version" "$(config InvalidInterval)"
    create "$(claim "$version" "$(config Long)")"
  done
}

@test "kubectl shows which configuration is wrong, and why" {
  refused 'admission webhook "dra.example.com" denied the request: 1 configs failed to validate: object at spec.devices.config[0].opaque.parameters is invalid: unknown time-slice interval: InvalidInterval' \
    create "$(claim v1 "$(config InvalidInterval)")"
}

@test "templates are judged, too" {
  refused "object at spec.spec.devices.config[0].opaque.parameters is invalid" create "$(template "$(config InvalidInterval)")"
  create "$(template "$(config Short)")"
}

@test "parameters for other drivers are let through" {
  create "$(claim v1 "$(config InvalidInterval other.example.com)")"
}

@test "the webhook runs without root and without privileges" {
  local pod
  pod="$(kubectl --namespace "$RELEASE" get pods --selector app.kubernetes.io/component=webhook --output json)"
  equal "$(jq -c '.items[0].spec.containers[0].securityContext | [.runAsNonRoot, .allowPrivilegeEscalation, .capabilities.drop]' <<<"$pod")" \
    '[true,false,["ALL"]]'
}
