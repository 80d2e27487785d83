#!/usr/bin/env bash
# Pins a Kubernetes release for the local cluster: writes kubernetes-<minor>/{go.mod,go.sum,tools.go} beside this script.
# k8s.io/kubernetes cannot be required like other modules, because it replaces its staging modules by folders of its own
# tree; here they are replaced by the versions published with the release (v1.36.3 -> v0.36.3).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

release="${1:?usage: pin-kubernetes.sh <release, for example 1.36.3>}"
minor="${release%.*}"
staging="v0.${release#1.}"
upstream="$(go mod download -json "k8s.io/kubernetes@v$release" | jq -r .GoMod)"

mkdir -p "kubernetes-$minor"
cd "kubernetes-$minor"
rm -f go.mod go.sum
cat >tools.go <<'TOOLS'
// Package tools names the commands of a Kubernetes release that the local cluster runs.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
TOOLS
{
  echo "module kubernetes"
  echo
  grep -E '^go ' "$upstream"
  grep -E '^godebug default=' "$upstream" || true
  echo
  echo "require k8s.io/kubernetes v$release"
  echo
  echo "replace ("
  sed -nE 's#^[[:space:]]*(k8s\.io/[a-z-]+) => \./staging/.*#\t\1 => \1 '"$staging"'#p' "$upstream"
  echo ")"
} >go.mod
go mod tidy
