#!/usr/bin/env bash
# Installs the dependencies, builds, runs all tests and sums up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: hack/test.sh [PRESET] [--program PRESET] [TESTS…] [-- CTEST ARGUMENT…]

  PRESET            debug (default), release, asan or tsan
  --program PRESET  let the integration tests start the program of this preset instead
  TESTS             build and run only the tests of these rooms, or "integration" or "contract" (default: everything)

Examples:
  hack/test.sh
  hack/test.sh asan claim kube
  hack/test.sh --program tsan integration
  hack/test.sh debug -- -R Prepare
EOF
}

preset=debug
case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  "" | --*) ;;
  *)
    preset="$1"
    shift
    ;;
esac
program=""
if [[ "${1:-}" == --program ]]; then
  program="${2:?--program needs a preset}"
  shift 2
fi
targets=() folders=()
while (($#)) && [[ "$1" != -- ]]; do
  folder="test/unit/$1"
  [[ -d "$folder" ]] || folder="test/$1"
  [[ -d "$folder" ]] || {
    echo "hack/test.sh: no tests \"$1\": neither test/unit/$1 nor test/$1 is there" >&2
    usage >&2
    exit 2
  }
  targets+=("$1_test") folders+=("$folder")
  shift
done
((${#folders[@]})) || folders=(.)
[[ "${1:-}" != -- ]] || shift

hack/install-deps.sh
hack/build.sh "$preset" "${targets[@]}"
if [[ -n "$program" ]]; then
  hack/build.sh "$program" dra-sim-gpu
  export SIMGPU_PROGRAM="$PWD/build/$program/src/app/dra-sim-gpu"
fi

# Debian's gRPC is not built for ThreadSanitizer, so what happens only inside of it cannot be judged.
export TSAN_OPTIONS="ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/test/tsan.supp ${TSAN_OPTIONS:-}"
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1 ${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"
status=0
for folder in "${folders[@]}"; do
  ctest --test-dir "build/$preset/$folder" --output-on-failure --no-tests=error -j "$(nproc)" "$@" || status=1
done
exit "$status"
