#!/usr/bin/env bash
# Builds the project into build/<preset>.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: hack/build.sh [PRESET] [TARGET…]

  PRESET  debug (default), release, bench, asan, tsan or fuzz; see CMakePresets.json
  TARGET  what to build; everything if none is given

Environment: JOBS, the number of compilations at once (default: number of cores, at most 2 GiB of memory each)
EOF
}

case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
esac
preset="${1:-debug}"
shift || true
if ! grep -q "\"name\": \"$preset\"" CMakePresets.json; then
  echo "hack/build.sh: unknown preset \"$preset\"" >&2
  usage >&2
  exit 2
fi

jobs_by_memory=$(($(awk '/MemAvailable/ {print $2}' /proc/meminfo) / 2097152))
jobs="${JOBS:-$(nproc)}"
((jobs <= jobs_by_memory || jobs_by_memory < 1)) || jobs=$jobs_by_memory

arguments=(--preset "$preset")
if command -v ccache >/dev/null; then
  # The same object from any checkout: paths below the source directory do not count.
  export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
  arguments+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
cmake "${arguments[@]}" >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
targets=()
for target in "$@"; do
  targets+=(--target "$target")
done
cmake --build "build/$preset" -j "$jobs" "${targets[@]}"
