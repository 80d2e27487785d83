#!/usr/bin/env bats
# hack/check-reliability.sh: the tests that docs/reliability.md names are there, and a test that is not is noticed.
# shellcheck disable=SC2016 # the backquotes are those of the document
bats_require_minimum_version 1.5.0

setup() {
  check="$BATS_TEST_DIRNAME/../../hack/check-reliability.sh"
  document="$BATS_TEST_TMPDIR/document.md"
}

# table ROW... — a document with these rows in a table of tests.
table() {
  printf '| case | shown by |\n|---|---|\n' >"$document"
  printf '%s\n' "$@" >>"$document"
}

# complains WORDS — the check fails, and says WORDS.
complains() {
  run -1 "$check" "$document"
  [[ "$output" == *"$1"* ]] || {
    echo "said: $output" >&2
    return 1
  }
}

@test "reliability: every test that the document names is there" {
  "$check"
}

@test "security: every test that the document names is there" {
  "$check" docs/security.md
}

@test "reliability: tests of both kinds are found by name" {
  table '| a | `scripts/reliability.bats` `reliability: tests of both kinds are found by name`; `unit/claim/store_test.cc` `ARemovedClaimIsGoneForEver` |'
  "$check" "$document"
}

@test "reliability: a test that is not there is named, with the line" {
  table '| a | `unit/claim/store_test.cc` `ARemovedClaimIsGone` |'
  complains "document.md:3: test/unit/claim/store_test.cc has no test \"ARemovedClaimIsGone\""
  table '| a | `scripts/reliability.bats` `reliability: every test` |'
  complains "has no test \"reliability: every test\""
}

@test "reliability: a file that is not there is named" {
  table '| a | `unit/claim/gone_test.cc` `ARemovedClaimIsGoneForEver` |'
  complains "there is no file test/unit/claim/gone_test.cc"
}

@test "reliability: a row without a test is refused, and a document without a table" {
  table '| a | `unit/claim/store_test.cc` `ARemovedClaimIsGoneForEver` |' '| b | `unit/claim/store_test.cc` |'
  complains "document.md:4: the row names no test"
  echo "no table" >"$document"
  complains "there is no table"
}
