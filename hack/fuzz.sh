#!/usr/bin/env bash
# Builds the fuzz targets and runs each of them for a while.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t all < <(basename -a -s .cc test/fuzz/*.cc)

usage() {
  cat <<EOF
Usage: hack/fuzz.sh [--seconds N | --runs N] [TARGET…]

  --seconds N  how long to run each target (default: 60)
  --runs N     run each target on N inputs, on the same ones each time: what continuous integration does
  TARGET       what to run: ${all[*]} (default: all of them)

Starts from test/fuzz/corpus/<target>. What it learns stays in build/fuzz/corpus/<target> for the next run, but not with
--runs; the log and inputs that broke something are in build/fuzz/findings/<target>. Fails if something was found.
EOF
}

refuse() {
  echo "hack/fuzz.sh: $1" >&2
  usage >&2
  exit 2
}

seconds=60 runs=""
targets=()
while (($#)); do
  case "$1" in
    --seconds)
      [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || refuse "--seconds needs a number from 1 on"
      seconds="$2"
      shift
      ;;
    --runs)
      [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || refuse "--runs needs a number from 1 on"
      runs="$2"
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) refuse "unknown argument \"$1\"" ;;
    *)
      [[ -f "test/fuzz/$1.cc" ]] || refuse "unknown target \"$1\""
      targets+=("$1")
      ;;
  esac
  shift
done
((${#targets[@]})) || targets=("${all[@]}")

hack/install-deps.sh --fuzz
hack/build.sh fuzz "${targets[@]/#/fuzz_}"

# Stack traces with names, by whatever is there.
for tool in llvm-symbolizer-19 llvm-symbolizer addr2line; do
  if path="$(command -v "$tool")"; then
    export ASAN_OPTIONS="external_symbolizer_path=$path ${ASAN_OPTIONS:-}"
    break
  fi
done

extent=(-max_total_time="$seconds")
corpora=build/fuzz/corpus
if [[ -n "$runs" ]]; then
  extent=(-runs="$runs" -seed=1)
  corpora="$(mktemp -d)"
  trap 'rm -rf "$corpora"' EXIT
fi
status=0
for target in "${targets[@]}"; do
  corpus="$corpora/$target"
  findings="build/fuzz/findings/$target"
  log="$findings/log"
  rm -rf "$findings"
  mkdir -p "$corpus" "$findings"
  cp "test/fuzz/corpus/$target"/* "$corpus/"
  code=0
  "build/fuzz/test/fuzz/fuzz_$target" "${extent[@]}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$findings/" "$corpus" >"$log" 2>&1 || code=$?
  executed="$(awk '/^stat::number_of_executed_units/ {print $2}' "$log")"
  if ((code == 0)); then
    echo "Fuzz: $target: nothing found in ${executed:-0} runs, $(find "$corpus" -type f | wc -l) inputs in the corpus"
    continue
  fi
  status=1
  input="$(find "$findings" -type f ! -name log ! -name 'slow-unit-*' | head -n 1)"
  if [[ -n "$input" ]]; then
    why="$(grep -m 1 -E '^(Violated: |SUMMARY: )|runtime error: |Assertion .* failed' "$log" || echo "see the log")"
    echo "Fuzz: $target: FOUND $input: $why (log: $log; again: build/fuzz/test/fuzz/fuzz_$target $input)"
  else
    echo "Fuzz: $target: FAILED with exit code $code and without an input (log: $log)"
  fi
done
exit "$status"
