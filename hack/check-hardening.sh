#!/usr/bin/env bash
# Checks that a program was compiled and linked with what makes bugs in memory harder to use.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: hack/check-hardening.sh PROGRAM [COMPILE_COMMANDS]

  PROGRAM           the program; it may be stripped
  COMPILE_COMMANDS  the compile_commands.json that it was built by: also checks, for each source, the flags that leave no
                    trace in a program

Names every property that is missing, and fails if there is one.
EOF
}

case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  "" | -*)
    usage >&2
    exit 2
    ;;
esac
(($# <= 2)) || {
  usage >&2
  exit 2
}
program="$1" commands="${2:-}"

die() {
  echo "hack/check-hardening.sh: $1" >&2
  exit 1
}
missing=0
lacks() {
  echo "hack/check-hardening.sh: $program: $1" >&2
  missing=$((missing + 1))
}

command -v readelf >/dev/null || die "readelf is missing; install it with: apt-get install binutils"
header="$(readelf --wide --file-header "$program" 2>/dev/null)" || die "$program is no program that can be read"
segments="$(readelf --wide --program-headers "$program")"
dynamic="$(readelf --wide --dynamic "$program")"
symbols="$(readelf --wide --dyn-syms "$program")"

grep -q 'FLAGS_1.* PIE' <<<"$dynamic" || lacks "not position independent; compile with -fPIE, link with -pie"
grep -q 'GNU_RELRO' <<<"$segments" || lacks "no read-only relocations; link with -Wl,-z,relro"
grep -q 'FLAGS_1.* NOW' <<<"$dynamic" || lacks "symbols are bound late, so their table stays writable; link with -Wl,-z,now"
grep -Eq 'GNU_STACK .* RW +0x' <<<"$segments" || lacks "the stack is executable; link with -Wl,-z,noexecstack"
! grep -Eq 'LOAD .* RWE +0x' <<<"$segments" || lacks "a segment is writable and executable"
! grep -q '(TEXTREL)' <<<"$dynamic" || lacks "relocations in the code; compile with -fPIE"
! grep -Eq '\((RPATH|RUNPATH)\)' <<<"$dynamic" || lacks "looks for libraries in folders of its own (RPATH); install it with cmake --install"
grep -q ' __stack_chk_fail@' <<<"$symbols" || lacks "no stack protector; compile with -fstack-protector-strong"
grep -Eq ' __[a-z]+_chk@' <<<"$symbols" || lacks "no checked library calls; compile with -O2 -D_FORTIFY_SOURCE=3"

if [[ -n "$commands" ]]; then
  flags=(-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3)
  case "$(awk '/Machine:/ {print $NF}' <<<"$header")" in
    X86-64) flags+=(-fcf-protection=full) ;;
    AArch64) flags+=(-mbranch-protection=standard) ;;
  esac
  [[ -r "$commands" ]] || die "$commands cannot be read"
  lines="$(grep '"command":' "$commands")" || die "$commands names no commands"
  for flag in "${flags[@]}"; do
    without="$(grep -vF -- " $flag " <<<"$lines" || true)"
    [[ -z "$without" ]] || lacks "$(wc -l <<<"$without") sources were compiled without $flag, the first by $(head -n 1 <<<"$without")"
  done
fi

((missing == 0)) || exit 1
echo "Hardening: $program has all of it"
