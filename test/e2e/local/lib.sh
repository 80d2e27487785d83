# What the scripts of the local cluster share: versions, places and words. Sourced, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by those who source this
readonly DEFAULT_KUBERNETES=1.36
LOCAL_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly LOCAL_DIR
# Built programs and images, kept between runs.
readonly CACHE="${SIMGPU_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dra-driver-sim-gpu}"

note() { echo "==> $*" >&2; }
die() {
  echo "error: $*" >&2
  exit 1
}

# supported_kubernetes — the pinned minor releases, oldest first.
supported_kubernetes() {
  local folder
  for folder in "$LOCAL_DIR"/modules/kubernetes-*/; do
    folder="${folder%/}"
    printf '%s ' "${folder##*kubernetes-}"
  done | sed 's/ $//'
}

# module_version MODULE PATH — the version that modules/MODULE pins of the Go module PATH.
module_version() { sed -nE "s#^(require)?[[:space:]]*$2 (v[^ ]+).*#\2#p" "$LOCAL_DIR/modules/$1/go.mod" | head -n 1; }

# program_folder MODULE — where the programs of a module are kept. The name changes with whatever they are built from.
program_folder() {
  local sum
  sum="$(cat "$LOCAL_DIR/modules/$1"/{go.mod,go.sum,*.go} "$LOCAL_DIR/build.sh" | sha256sum)"
  echo "$CACHE/bin/$1-${sum:0:12}"
}
