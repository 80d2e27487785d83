#!/usr/bin/env bash
# Installs the dependencies, builds, runs all tests and sums up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: hack/test.sh [PRESET] [-- CTEST ARGUMENT…]

  PRESET  debug (default), release, asan or tsan

Examples:
  hack/test.sh
  hack/test.sh asan -- -L unit
  hack/test.sh debug -- -R Prepare
EOF
}

preset=debug
case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  "" | --) ;;
  *)
    preset="$1"
    shift
    ;;
esac
[[ "${1:-}" != -- ]] || shift

hack/install-deps.sh
hack/build.sh "$preset"

# Debian's gRPC is not built for ThreadSanitizer, so what happens only inside of it cannot be judged.
export TSAN_OPTIONS="ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/test/tsan.supp ${TSAN_OPTIONS:-}"
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1 ${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
