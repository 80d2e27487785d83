#!/usr/bin/env bash
# Lets claims come and go for a long time, and compares what the driver has of memory, threads and files before and
# after. See docs/reliability.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ "${1:-}" == -h || "${1:-}" == --help || $# -gt 1 || ! "${1:-1}" =~ ^[0-9]+$ ]]; then
  echo "Usage: hack/soak.sh [CYCLES]    (default: 1000000 times Prepare and Unprepare)"
  [[ "${1:-}" == -h || "${1:-}" == --help ]] && exit 0
  exit 2
fi

hack/install-deps.sh
hack/build.sh release integration_test
SIMGPU_SOAK_CYCLES="${1:-1000000}" build/release/test/integration/integration_test --gtest_filter='SoakTest.*'
