#!/usr/bin/env bash
# Builds the programs of the local cluster from their published Go modules, once for each pinned version, and prints
# the folders that hold them.
set -euo pipefail
# shellcheck source=SCRIPTDIR/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<USAGE
Usage: test/e2e/local/build.sh [MODULE...]

  MODULE  what to build, of: $(cd "$LOCAL_DIR/modules" && echo */ | tr -d /)
          (default: all that a cluster of Kubernetes $DEFAULT_KUBERNETES needs)

Programs are kept in $CACHE/bin;
set SIMGPU_E2E_CACHE for another place.
USAGE
}

# packages MODULE — the commands to build. The API server comes first: it compiles most of what the others share.
packages() {
  case "$1" in
    kubernetes-*) printf 'k8s.io/kubernetes/cmd/%s\n' kube-apiserver kube-controller-manager kubelet kubectl kube-scheduler ;;
    etcd) echo . ;;
    containerd) printf 'github.com/containerd/containerd/v2/cmd/%s\n' containerd containerd-shim-runc-v2 ctr ;;
    runc) echo github.com/opencontainers/runc ;;
    helm) echo helm.sh/helm/v3/cmd/helm ;;
    reference) echo sigs.k8s.io/dra-example-driver/cmd/dra-example-kubeletplugin ;;
    *) die "no module \"$1\" in ${LOCAL_DIR}/modules" ;;
  esac
}

# link_flags MODULE — strips symbols and tells the program its version, where it reports one.
link_flags() {
  local version
  case "$1" in
    kubernetes-*)
      version="$(module_version "$1" k8s.io/kubernetes)"
      local major minor about=k8s.io/component-base/version
      IFS=. read -r major minor _ <<<"${version#v}"
      echo "-s -w -X $about.gitVersion=$version -X $about.gitMajor=$major -X $about.gitMinor=$minor"
      ;;
    containerd)
      echo "-s -w -X github.com/containerd/containerd/v2/version.Version=$(module_version containerd github.com/containerd/containerd/v2)"
      ;;
    *) echo "-s -w" ;;
  esac
}

build() {
  local module="$1" folder cgo=0 tags=""
  folder="$(program_folder "$module")"
  if [[ ! -d "$folder" ]]; then
    [[ "$module" != runc ]] || { cgo=1 tags=seccomp; }
    note "building $module from its Go modules (once)"
    local package unfinished="$folder.unfinished"
    mkdir -p "$unfinished"
    for package in $(packages "$module"); do
      (cd "$LOCAL_DIR/modules/$module" &&
        CGO_ENABLED=$cgo go build -trimpath -tags "$tags" -ldflags "$(link_flags "$module")" -o "$unfinished/" "$package") ||
        die "cannot build $package of $module"
    done
    mv "$unfinished" "$folder"
  fi
  echo "$folder"
}

case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  -*)
    usage >&2
    die "unknown option $1"
    ;;
esac
command -v go >/dev/null || die "Go 1.26 or newer is needed to build the cluster's programs: https://go.dev/dl"
(($# > 0)) || set -- "kubernetes-$DEFAULT_KUBERNETES" etcd containerd runc helm reference
for module in "$@"; do
  build "$module"
done
