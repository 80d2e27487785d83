#!/usr/bin/env bash
# Checks that docs/reliability.md names tests that exist: each table whose last column is "shown by" names, in code type, a
# file below test/ and after it the tests in it, at least one in each row.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
document="${1:-docs/reliability.md}"

status=0
number=0

# complain WORDS... — says what is wrong with the line that is looked at.
complain() {
  echo "$document:$number: $*" >&2
  status=1
}

# has_test FILE NAME
has_test() {
  case "$1" in
    *.bats) grep -qxF "@test \"$2\" {" "$1" ;;
    *) grep -qE "(^|[( ])$2\) \{$" "$1" ;;
  esac
}

# check_row CELL — the cell of a row that names its tests.
check_row() {
  local rest="$1" file="" word tests=0
  while [[ "$rest" =~ \`([^\`]+)\`(.*)$ ]]; do
    word="${BASH_REMATCH[1]}" rest="${BASH_REMATCH[2]}"
    if [[ "$word" =~ ^[a-z0-9_/-]+\.(cc|bats)$ ]]; then
      file="test/$word"
      [[ -f "$file" ]] || complain "there is no file $file"
    elif [[ -z "$file" ]]; then
      complain "\"$word\" comes before the file that it is in"
    else
      tests=$((tests + 1))
      [[ ! -f "$file" ]] || has_test "$file" "$word" || complain "$file has no test \"$word\""
    fi
  done
  ((tests)) || complain "the row names no test"
}

in_table=0
rows=0
while IFS= read -r line; do
  number=$((number + 1))
  if [[ "$line" == *"| shown by |" ]]; then
    in_table=1
  elif [[ "$line" != "|"* ]]; then
    in_table=0
  elif ((in_table)) && [[ "$line" != "|---"* ]]; then
    rows=$((rows + 1))
    cell="${line% |}"
    check_row "${cell##*| }"
  fi
done <"$document"
((rows)) || complain "there is no table with a last column \"shown by\""
exit "$status"
