#!/usr/bin/env bash
# Checks the client of the comparison without measuring anything.
set -euo pipefail

if ! command -v go >/dev/null; then
  if [[ -n "${SIMGPU_REQUIRE_GO:-}" ]]; then
    echo "go is not installed, but SIMGPU_REQUIRE_GO is set" >&2
    exit 1
  fi
  echo "SKIPPED: go is not installed"
  exit 77
fi

cd "$(dirname "${BASH_SOURCE[0]}")/client"
go vet .
go test .
