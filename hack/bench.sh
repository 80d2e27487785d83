#!/usr/bin/env bash
# Measures: the parts on the way of a claim alone, then this driver beside the reference driver.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: hack/bench.sh [--micro | --compare] [-- ARGUMENT…]

  --micro     only the parts; ARGUMENTs go to Google Benchmark, for example --benchmark_filter=Store
  --compare   only the comparison; ARGUMENTs go to test/bench/compare.sh, for example --quick

docs/performance.md explains both. Results are in build/bench/micro.json and build/bench/compare.json.
EOF
}

which=all
while (($# > 0)); do
  case "$1" in
    --micro | --compare) which="${1#--}" ;;
    --)
      shift
      break
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      echo "hack/bench.sh: unknown argument \"$1\"" >&2
      usage >&2
      exit 2
      ;;
  esac
  shift
done
if [[ "$which" == all ]] && (($# > 0)); then
  echo "hack/bench.sh: say with --micro or --compare for whom the arguments are" >&2
  exit 2
fi

hack/install-deps.sh --bench
if [[ "$which" != compare ]]; then
  hack/build.sh bench micro_bench
  build/bench/test/bench/micro/micro_bench --benchmark_out=build/bench/micro.json --benchmark_out_format=json "$@"
fi
if [[ "$which" != micro ]]; then
  test/bench/compare.sh "$@"
fi
