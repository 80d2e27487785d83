#!/usr/bin/env bash
# Makes the table of values in the chart's README of the comments in its values.yaml.
#
# A value's comment starts with "# --", may go on for several lines, and stands right above it. Every value has one, and
# its default is on the line of its name. Comments without "--" are for readers of values.yaml only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
Usage: hack/chart-docs.sh [--check]

  --check  changes nothing, and fails if the table is not what it should be
USAGE
}

check=0
case "${1:-}" in
  "") ;;
  --check) check=1 ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    echo "hack/chart-docs.sh: unknown argument \"$1\"" >&2
    usage >&2
    exit 2
    ;;
esac

readonly values=charts/dra-driver-sim-gpu/values.yaml readme=charts/dra-driver-sim-gpu/README.md
table="$(mktemp)"
new="$(mktemp)"
trap 'rm -f "$table" "$new"' EXIT

awk '
  function refuse(why) {
    print FILENAME ":" FNR ": " why > "/dev/stderr"
    failed = 1
    exit 1
  }
  function cell(text) {
    gsub(/\|/, "\\|", text)
    return text
  }
  BEGIN { print "| value | default | meaning |\n|---|---|---|" }
  /^ *# -- / {
    about = $0
    sub(/^ *# -- /, "", about)
    next
  }
  /^ *#/ {
    if (about != "") {
      text = $0
      sub(/^ *# */, "", text)
      about = about " " text
    }
    next
  }
  /^ *$/ { next }
  {
    line = $0
    sub(/^ */, "", line)
    if (line !~ /^[A-Za-z]+:( |$)/) refuse("expected \"name: default\" on one line")
    indent = length($0) - length(line)
    if (indent % 2) refuse("indent by two spaces for each level")
    depth = indent / 2
    name = value = line
    sub(/:.*/, "", name)
    sub(/^[A-Za-z]+: */, "", value)
    parents[depth] = name
    path = parents[0]
    for (i = 1; i <= depth; i++) path = path "." parents[i]
    if (value == "") {
      if (about != "") refuse(path ": has a comment for the table, but is a group of values")
    } else {
      if (about == "") refuse(path ": has no comment that starts with \"# --\"")
      print "| `" path "` | `" cell(value) "` | " cell(about) " |"
    }
    about = ""
  }
  END { if (failed) exit 1 }
' "$values" >"$table"

awk -v table="$table" '
  /^<!-- values begin/ {
    print
    while ((getline line < table) > 0) print line
    inside = found = 1
  }
  /^<!-- values end/ { inside = 0 }
  !inside
  END { if (!found || inside) exit 1 }
' "$readme" >"$new" || {
  echo "hack/chart-docs.sh: $readme lacks the lines \"<!-- values begin …\" and \"<!-- values end …\"" >&2
  exit 1
}

if cmp -s "$readme" "$new"; then
  exit 0
elif ((check)); then
  diff -u "$readme" "$new" >&2 || true
  echo "$readme: the table of values is not that of $values; run hack/chart-docs.sh" >&2
  exit 1
fi
cat "$new" >"$readme"
echo "wrote $readme"
