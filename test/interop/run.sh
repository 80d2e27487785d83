#!/bin/bash
# Builds the Go half of the interoperability test and lets it talk to the C++ half.
# Usage: run.sh <C++ server> <build directory>
set -euo pipefail

server=$1
build=$2

if ! command -v go >/dev/null; then
  if [[ -n "${SIMGPU_REQUIRE_GO:-}" ]]; then
    echo "go is not installed, but SIMGPU_REQUIRE_GO is set" >&2
    exit 1
  fi
  echo "SKIPPED: go is not installed"
  exit 77
fi

cd "$(dirname "$0")/client"
go build -o "$build/interop_client" .
"$build/interop_client" "$server"
