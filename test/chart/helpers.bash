# What the tests of the chart share. HELM is the path of helm; hack/check-chart.sh sets it.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
CHART="$ROOT/charts/dra-driver-sim-gpu"

: "${HELM:=$("$ROOT/hack/find-helm.sh")}"

# render ARGUMENT... — what the chart renders for a release "sim" in the namespace "dra", on Kubernetes 1.36.
render() {
  "$HELM" template sim "$CHART" --namespace dra --kube-version 1.36.0 "$@"
}

# show TEMPLATE ARGUMENT... — the same, of one template.
show() {
  local template="$1"
  shift
  render --show-only "templates/$template.yaml" "$@"
}

# named TEXT — kind and name of each object in TEXT.
named() {
  awk '/^kind:/ { kind = $2 } /^  name:/ && kind { print kind "/" $2; kind = "" }' <<<"$1" | sort
}

contains() {
  [[ "$1" == *"$2"* ]] || {
    printf 'expected: %s\nfound:\n%s\n' "$2" "$1" >&2
    return 1
  }
}

lacks() {
  [[ "$1" != *"$2"* ]] || {
    printf 'not expected: %s\nfound:\n%s\n' "$2" "$1" >&2
    return 1
  }
}

same() {
  [[ "$1" == "$2" ]] || {
    diff <(echo "$1") <(echo "$2") >&2
    return 1
  }
}

# refuses WORDS ARGUMENT... — rendering with these arguments fails, and says why.
refuses() {
  local words="$1" output
  shift
  if output="$(render "$@" 2>&1)"; then
    echo "accepted: $*" >&2
    return 1
  fi
  contains "$output" "$words"
}
