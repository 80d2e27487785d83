#!/usr/bin/env bash
# Writes the list of what an image is made of (SBOM, SPDX 2.3 in JSON). hack/image-root.sh runs this when all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly name=dra-driver-sim-gpu

usage() {
  cat <<'EOF'
Usage: hack/image-sbom.sh ROOT

Prints an SPDX document of the image with the root file system ROOT: the program and the profiles that are compiled into
it, the Debian packages named in ROOT/var/lib/dpkg/status.d, and those of this machine whose headers the program is
compiled with. The same image gives the same document.

Environment: SOURCE_DATE_EPOCH, the time of the document in seconds since 1970 (default: 0)
EOF
}

die() {
  echo "hack/image-sbom.sh: $1" >&2
  exit 1
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
root="$1"
program="$root/usr/bin/dra-sim-gpu"
[[ -x "$program" ]] || die "$program is missing: install it first"
[[ -d "$root/var/lib/dpkg/status.d" ]] || die "$root/var/lib/dpkg/status.d is missing: it says which packages are in the image"

# Libraries of which nothing but headers is used, each by one of these. They are in the program, not beside it.
readonly headers=(/usr/include/nlohmann/json.hpp /usr/include/CLI/CLI.hpp /usr/include/boost/beast.hpp)

# text STRING — as a JSON string. Control characters do not come up in these values.
text() {
  local value="${1//\\/\\\\}"
  printf '"%s"' "${value//\"/\\\"}"
}

# encoded STRING — for a package URL.
encoded() {
  local value="${1//%/%25}"
  value="${value//+/%2B}"
  printf '%s' "${value//:/%3A}"
}

# id KIND NAME — an identifier: letters, digits, - and . only, and what is none of these by its code.
id() {
  local rest="$2" made="" character
  while [[ -n "$rest" ]]; do
    character="${rest:0:1}" rest="${rest:1}"
    [[ "$character" =~ [A-Za-z0-9.-] ]] || printf -v character -- '-%02x' "'$character"
    made+="$character"
  done
  printf 'SPDXRef-%s-%s' "$1" "$made"
}

field() { sed -n "s/^$1: //p" <<<"$2" | head -n 1; }
sum() { "$1" "$2" | cut -d ' ' -f 1; }
release() { sed -nE "s/^$1=\"?([^\"]*)\"?\$/\1/p" "$root/etc/os-release"; }
distribution="$(release ID)" distribution_version="$(release VERSION_ID)"
version="$("$program" --version | sed -nE 's/^dra-sim-gpu ([^ ]+) \(commit .*\)$/\1/p')"
commit="$("$program" --version | sed -nE 's/^dra-sim-gpu [^ ]+ \(commit (.*)\)$/\1/p')"
[[ -n "$distribution" && -n "$version" && -n "$commit" ]] || die "cannot tell the distribution, or the program's version"

packages=() relationships=() files=()
relate() { relationships+=("{\"spdxElementId\": \"$1\", \"relationshipType\": \"$2\", \"relatedSpdxElement\": \"$3\"}"); }

# package STATUS RELATIONSHIP — a Debian package by its entry in the database of packages, and how the program uses it.
package() {
  local package version source homepage architecture element
  package="$(field Package "$1")" version="$(field Version "$1")" source="$(field Source "$1")"
  architecture="$(field Architecture "$1")" homepage="$(field Homepage "$1")"
  element="$(id Package "$package")"
  packages+=("{
      \"SPDXID\": \"$element\",
      \"name\": $(text "$package"),
      \"versionInfo\": $(text "$version"),
      \"supplier\": $(text "Organization: ${distribution^}"),
      \"downloadLocation\": \"NOASSERTION\",
      \"filesAnalyzed\": false,
      \"homepage\": $(text "${homepage:-NOASSERTION}"),
      \"sourceInfo\": $(text "built from the source package ${source:-$package}"),
      \"licenseConcluded\": \"NOASSERTION\",
      \"licenseDeclared\": \"NOASSERTION\",
      \"copyrightText\": \"NOASSERTION\",
      \"primaryPackagePurpose\": \"LIBRARY\",
      \"externalRefs\": [{
        \"referenceCategory\": \"PACKAGE-MANAGER\",
        \"referenceType\": \"purl\",
        \"referenceLocator\": $(text "pkg:deb/$distribution/$(encoded "$package")@$(encoded "$version")?arch=$architecture&distro=$distribution-$distribution_version")
      }]
    }")
  [[ "$2" == STATIC_LINK ]] || relate SPDXRef-Image CONTAINS "$element"
  relate SPDXRef-Program "$2" "$element"
}

# own ELEMENT NAME PURPOSE LICENCE [MORE] — what is built from these sources.
own() {
  packages+=("{
      \"SPDXID\": \"$1\",
      \"name\": \"$2\",
      \"versionInfo\": $(text "$version"),
      \"supplier\": $(text "Organization: $name"),
      \"downloadLocation\": \"NOASSERTION\",
      \"filesAnalyzed\": false,
      \"sourceInfo\": $(text "built from the commit $commit"),${5:-}
      \"licenseConcluded\": \"$4\",
      \"licenseDeclared\": \"$4\",
      \"copyrightText\": \"NOASSERTION\",
      \"primaryPackagePurpose\": \"$3\"
    }")
}

own SPDXRef-Image "$name" CONTAINER NOASSERTION
own SPDXRef-Program dra-sim-gpu APPLICATION Apache-2.0 "
      \"packageFileName\": \"/usr/bin/dra-sim-gpu\",
      \"checksums\": [{\"algorithm\": \"SHA256\", \"checksumValue\": \"$(sum sha256sum "$program")\"}],"
relate SPDXRef-DOCUMENT DESCRIBES SPDXRef-Image
relate SPDXRef-Image CONTAINS SPDXRef-Program

for status in "$root"/var/lib/dpkg/status.d/*; do
  package "$(<"$status")" DEPENDS_ON
done
for header in "${headers[@]}"; do
  owner="$(dpkg-query --search "$header")" || die "$header belongs to no package"
  package "$(dpkg-query --status "${owner%%:*}")" STATIC_LINK
done

for profile in profiles/*.yaml; do
  element="$(id File "$profile")"
  files+=("{
      \"SPDXID\": \"$element\",
      \"fileName\": $(text "./$profile"),
      \"checksums\": [
        {\"algorithm\": \"SHA1\", \"checksumValue\": \"$(sum sha1sum "$profile")\"},
        {\"algorithm\": \"SHA256\", \"checksumValue\": \"$(sum sha256sum "$profile")\"}
      ],
      \"fileTypes\": [\"TEXT\"],
      \"licenseConcluded\": \"Apache-2.0\",
      \"copyrightText\": \"NOASSERTION\"
    }")
  relate SPDXRef-Program GENERATED_FROM "$element"
done

# list ENTRY… — of JSON, with the commas between.
list() {
  local separator=""
  for entry in "$@"; do
    printf '%s\n    %s' "$separator" "$entry"
    separator=,
  done
}
content="$(
  cat <<EOF
  "packages": [$(list "${packages[@]}")
  ],
  "files": [$(list "${files[@]}")
  ],
  "relationships": [$(list "${relationships[@]}")
  ]
EOF
)"
cat <<EOF
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "$name-$version",
  "documentNamespace": "https://spdx.org/spdxdocs/$name-$version-$(sum sha256sum - <<<"$content")",
  "creationInfo": {
    "created": "$(date --utc --date "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)",
    "creators": ["Tool: $name/hack/image-sbom.sh"]
  },
$content
}
EOF
