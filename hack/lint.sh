#!/usr/bin/env bash
# Checks what a compiler does not: format, clang-tidy, shell scripts, the Helm chart, and which room includes which.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: hack/lint.sh [--fix] [--all] [--base REVISION]

  --fix            reformat instead of complaining
  --all            run clang-tidy on every source file, not only on those that changed
  --base REVISION  what counts as changed (default: origin/main, or the parent commit if there is none)
EOF
}

fix=0
all=0
base=""
while (($#)); do
  case "$1" in
    --fix) fix=1 ;;
    --all) all=1 ;;
    --base)
      base="${2:?--base needs a revision}"
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      echo "hack/lint.sh: unknown argument \"$1\"" >&2
      usage >&2
      exit 2
      ;;
  esac
  shift
done

hack/install-deps.sh --lint
status=0

mapfile -t sources < <(git ls-files --cached --others --exclude-standard -- '*.cc' '*.h' | xargs -r ls 2>/dev/null)
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard -- '*.sh' '*.bash' '*.bats' '.ci/run' | xargs -r ls 2>/dev/null)

echo "Lint: format of ${#sources[@]} files"
if ((fix)); then
  clang-format-19 -i "${sources[@]}"
else
  clang-format-19 --dry-run --Werror "${sources[@]}" || status=1
fi

echo "Lint: ${#scripts[@]} shell scripts"
shellcheck "${scripts[@]}" || status=1

echo "Lint: tests of scripts"
bats test/scripts || status=1

echo "Lint: chart"
if [[ -n "${SIMGPU_REQUIRE_GO:-}" ]] || command -v helm >/dev/null || command -v go >/dev/null; then
  hack/check-chart.sh || status=1
else
  echo "Lint: skipped the chart, because neither helm nor Go is installed"
fi

echo "Lint: rooms"
hack/check-rooms.sh || status=1

if [[ -z "$base" ]]; then
  if git rev-parse -q --verify origin/main >/dev/null && [[ "$(git rev-parse origin/main)" != "$(git rev-parse HEAD)" ]]; then
    base=origin/main
  elif git rev-parse -q --verify HEAD~1 >/dev/null; then
    base=HEAD~1
  fi
fi
if ((all)) || [[ -z "$base" ]]; then
  mapfile -t tidy < <(git ls-files -- 'src/*.cc')
else
  mapfile -t tidy < <(git diff --name-only --diff-filter=d "$base" -- 'src/*.cc')
fi
echo "Lint: clang-tidy on ${#tidy[@]} files"
if ((${#tidy[@]})); then
  # Generated headers must exist. The compilation database has flags that only g++ knows.
  # (The performance-noexcept checks are off: clang-tidy 19 does not survive them on recursive types.)
  hack/build.sh debug simgpu_proto
  printf '%s\n' "${tidy[@]}" | xargs -P "$(nproc)" -n 1 \
    clang-tidy-19 --quiet -p build/debug --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option 2> >(grep -v 'warnings generated' >&2) || status=1
fi

if ((status)); then
  echo "Lint: failed" >&2
else
  echo "Lint: all fine"
fi
exit "$status"
