#!/usr/bin/env bats
# hack/check-hardening.sh, with small programs that lack one property each.
bats_require_minimum_version 1.5.0

setup_file() {
  export ROOT
  ROOT="$(cd "$BATS_TEST_DIRNAME/../.." && pwd)"
}

setup() {
  cd "$BATS_TEST_TMPDIR" || exit
  cat >program.c <<'C'
#include <string.h>
#include <stdio.h>
int main(int count, char** arguments) {
  char text[64];
  strcpy(text, arguments[count - 1]);
  return printf("%s\n", text) < 0;
}
C
}

# build FLAG… — the program with everything, and then the flags.
build() {
  gcc -O2 -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -pie \
    -Wl,-z,relro,-z,now,-z,noexecstack program.c -o program "$@"
}

check() { run "$ROOT/hack/check-hardening.sh" program "$@"; }

# lacks WORDS — the check failed, with this and nothing else.
lacks() {
  echo "$output"
  ((status == 1))
  [[ "${#lines[@]}" == 1 && "${lines[0]}" == *"program: $1"* ]]
}

# The compilation database of one source.
compiled_with() {
  printf '[\n{\n  "directory": "/build",\n  "command": "/usr/bin/c++ %s -c a.cc",\n  "file": "a.cc"\n}\n]\n' "$*" >commands.json
}

@test "a program with all of it passes, stripped or not" {
  build
  check
  ((status == 0))
  strip program
  check
  ((status == 0))
}

@test "a program at a fixed address is refused" {
  build -fno-PIE -no-pie
  check
  lacks "not position independent"
}

@test "a program whose relocations stay writable is refused" {
  build -Wl,-z,norelro
  check
  lacks "no read-only relocations"
}

@test "a program that binds late is refused" {
  build -Wl,-z,lazy
  check
  lacks "symbols are bound late"
}

@test "a program with an executable stack is refused" {
  build -Wl,-z,execstack
  check
  lacks "the stack is executable"
}

@test "a program with writable code is refused" {
  cat >>program.c <<'C'
__asm__(".section .both,\"awx\"\n.long 0\n.text");
C
  build -Wl,--no-warn-rwx-segments
  check
  lacks "a segment is writable and executable"
}

@test "a program with folders of its own for libraries is refused" {
  build -Wl,-rpath,/tmp
  check
  lacks "looks for libraries in folders of its own"
}

@test "a program without stack protector is refused" {
  build -fno-stack-protector
  check
  lacks "no stack protector"
}

@test "a program without checked library calls is refused" {
  build -U_FORTIFY_SOURCE
  check
  lacks "no checked library calls"
}

@test "sources that were compiled without a flag are counted, and the first is named" {
  build
  local machine=-fcf-protection=full
  [[ "$(uname -m)" != aarch64 ]] || machine=-mbranch-protection=standard
  compiled_with -O2 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3 "$machine"
  check commands.json
  ((status == 0))
  compiled_with -O2 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 "$machine"
  check commands.json
  lacks "1 sources were compiled without -D_FORTIFY_SOURCE=3"
  [[ "$output" == *"-c a.cc"* ]]
}

@test "what is no program is refused" {
  echo text >program
  check
  ((status == 1))
  [[ "$output" == *"no program that can be read"* ]]
}

@test "without a program it says how it is used" {
  run -2 "$ROOT/hack/check-hardening.sh"
  [[ "$output" == *"Usage:"* ]]
}
