#!/usr/bin/env bash
# Prints the path of helm: the one in PATH, or one that is built from its Go module, once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v helm; then
  command -v go >/dev/null || {
    echo "hack/find-helm.sh: helm is missing; install it (https://helm.sh/docs/intro/install), or Go 1.26 to have it built" >&2
    exit 1
  }
  echo "$(test/e2e/local/build.sh helm)/helm"
fi
