#!/usr/bin/env bash
# Checks the Helm chart, and the manifests in deploy/ that are made of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
Usage: hack/check-chart.sh [--server]

  --server  only let the API server of the current kubeconfig validate every object: the chart with each file of values in
            its ci/, deploy/, deploy/examples/ and test/e2e/tutorial/. Nothing is installed. Namespaces that are missing are
            created for as long as it takes.
USAGE
}

server=0
case "${1:-}" in
  "") ;;
  --server) server=1 ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    echo "hack/check-chart.sh: unknown argument \"$1\"" >&2
    usage >&2
    exit 2
    ;;
esac

readonly chart=charts/dra-driver-sim-gpu
HELM="$(hack/find-helm.sh)"
export HELM
status=0

check_files() {
  hack/chart-docs.sh --check || status=1
  hack/render-deploy.sh --check || status=1
  local values
  "$HELM" lint --strict --quiet "$chart" --namespace dra --kube-version 1.36.0 || status=1
  for values in "$chart"/ci/*.yaml; do
    "$HELM" lint --strict --quiet "$chart" --namespace dra --kube-version 1.36.0 --values "$values" || status=1
  done
  command -v bats >/dev/null || {
    echo "hack/check-chart.sh: bats is missing; run hack/install-deps.sh --lint" >&2
    exit 1
  }
  bats test/chart || status=1
}

created=()
# shellcheck disable=SC2317 # a trap calls it
clean_up() {
  ((${#created[@]} == 0)) || kubectl delete namespace "${created[@]}" --wait=false >/dev/null
  rm -rf "$work"
}

# ensure_namespaces FILE — the namespaces of the file's objects are there, as the file has them if it does.
ensure_namespaces() {
  local namespace
  awk 'BEGIN { RS = "(^|\n)---\n" } /(^|\n)kind: Namespace\n/ { print "---\n" $0 }' "$1" >"$work/namespaces.yaml"
  local namespaces
  mapfile -t namespaces < <(
    awk '/^kind: Namespace/ { own = 1 } own && /^  name:/ { print $2; own = 0 } /^ +namespace:/ { print $2 }' "$1" | sort -u
  )
  for namespace in "${namespaces[@]}"; do
    if kubectl get namespace "$namespace" >/dev/null 2>&1; then
      continue
    fi
    if grep -q "name: $namespace$" "$work/namespaces.yaml"; then
      kubectl apply --filename "$work/namespaces.yaml" >/dev/null
    else
      kubectl create namespace "$namespace" >/dev/null
    fi
    created+=("$namespace")
    kubectl wait --for create serviceaccount/default --namespace "$namespace" --timeout 30s >/dev/null
  done
}

# validate NAME FILE
validate() {
  ensure_namespaces "$2"
  if kubectl apply --dry-run=server --validate=strict --filename "$2" >"$work/answer" 2>&1; then
    echo "ok      $1: $(grep -c '(server dry run)' "$work/answer") objects"
  elif grep -q '^# API:' "$2" && grep -q 'no matches for kind' "$work/answer"; then
    echo "skipped $1: needs an API that this server does not serve"
  else
    echo "refused $1:" >&2
    grep -v '(server dry run)' "$work/answer" >&2 || true
    status=1
  fi
}

check_server() {
  command -v kubectl >/dev/null || {
    echo "hack/check-chart.sh: kubectl is missing; see https://kubernetes.io/docs/tasks/tools" >&2
    exit 1
  }
  work="$(mktemp -d)"
  trap clean_up EXIT
  local version file
  version="$(kubectl version --output json | jq -r .serverVersion.gitVersion)"
  echo "Validating with Kubernetes $version"
  for file in "" "$chart"/ci/*.yaml; do
    "$HELM" template check "$chart" --namespace simgpu-check --kube-version "$version" ${file:+--values "$file"} >"$work/chart.yaml"
    validate "$chart ${file:+with }${file##*/}" "$work/chart.yaml"
  done
  for file in deploy/*.yaml deploy/examples/*.yaml test/e2e/tutorial/*.yaml; do
    validate "$file" "$file"
  done
}

if ((server)); then
  check_server
else
  check_files
fi
exit "$status"
