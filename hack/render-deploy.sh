#!/usr/bin/env bash
# Renders deploy/*.yaml, the manifests for installing without Helm, from the chart.
#
# Names and labels are those of a well-known DRA tutorial, so that its commands fit and its objects can be replaced in
# place: the selector of a DaemonSet can never be changed, for example.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
Usage: hack/render-deploy.sh [--check]

  --check  changes nothing, and fails if deploy/ is not what the chart renders
USAGE
}

check=0
case "${1:-}" in
  "") ;;
  --check) check=1 ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    echo "hack/render-deploy.sh: unknown argument \"$1\"" >&2
    usage >&2
    exit 2
    ;;
esac

readonly chart=charts/dra-driver-sim-gpu name=dra-example-driver namespace=dra-tutorial
helm="$(hack/find-helm.sh)"
readonly helm
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

about() {
  printf '# %s\n# Rendered from the chart by hack/render-deploy.sh; change it there.\n' "$1"
}

# render ABOUT TEMPLATE... — the objects of these templates, without the labels that only mean something to Helm, or that
# the tutorial does without.
render() {
  local template show=()
  about "$1"
  shift
  for template in "$@"; do
    show+=(--show-only "templates/$template.yaml")
  done
  "$helm" template "$name" "$chart" --namespace "$namespace" --kube-version 1.36.0 "${show[@]}" \
    --set nameOverride="$name" \
    --set fullnameOverride="$name" \
    --set selectorLabelsOverride."app\.kubernetes\.io/name"="$name" \
    --set kubeletPlugin.numDevices=9 \
    --set kubeletPlugin.priorityClassName=dra-driver-high-priority \
    --set kubeletPlugin.priorityClass.create=true |
    sed -E '/^ +(helm\.sh\/chart|app\.kubernetes\.io\/(managed-by|component)): /d; /^# Source: /d'
}

{
  about "The namespace of the driver. Its pods mount directories of the node, for which Pod Security admission wants this level."
  cat <<NAMESPACE
---
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels:
    pod-security.kubernetes.io/enforce: privileged
NAMESPACE
} >"$work/00-namespace.yaml"
render "The class that claims ask for." deviceclass >"$work/deviceclass.yaml"
render "The driver's account and rights." serviceaccount clusterrole clusterrolebinding >"$work/rbac.yaml"
render "The priority of the driver's pods." priorityclass >"$work/priorityclass.yaml"
render "The driver, on every node." daemonset >"$work/daemonset.yaml"
render "The metrics of the drivers; docs/metrics.md explains them." metricsservice >"$work/metrics-service.yaml"
render "Keeps the driver's pods to the slices of their node." \
  validatingadmissionpolicy validatingadmissionpolicybinding >"$work/admission-policy.yaml"

status=0
mkdir -p deploy
for file in deploy/*.yaml; do
  if [[ -e "$file" && ! -e "$work/${file##*/}" ]]; then
    echo "$file: hack/render-deploy.sh does not make this file; examples belong to deploy/examples/" >&2
    status=1
  fi
done
for file in "$work"/*.yaml; do
  target="deploy/${file##*/}"
  if cmp -s "$file" "$target"; then
    continue
  elif ((check)); then
    diff -u "$target" "$file" >&2 || true
    echo "$target: not what the chart renders; run hack/render-deploy.sh" >&2
    status=1
  else
    cp "$file" "$target"
    echo "wrote $target"
  fi
done
exit "$status"
