#!/usr/bin/env bats
# hack/image-sbom.sh, on a root file system that has little in it.
bats_require_minimum_version 1.5.0

setup_file() {
  export ROOT IMAGE="$BATS_FILE_TMPDIR/image" SBOM="$BATS_FILE_TMPDIR/sbom.json"
  ROOT="$(cd "$BATS_TEST_DIRNAME/../.." && pwd)"
  mkdir -p "$IMAGE/usr/bin" "$IMAGE/etc" "$IMAGE/var/lib/dpkg/status.d"
  printf 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n' >"$IMAGE/etc/os-release"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\necho "dra-sim-gpu 0.1.0 (commit 0123456789ab)"\n' >"$IMAGE/usr/bin/dra-sim-gpu"
  chmod +x "$IMAGE/usr/bin/dra-sim-gpu"
  package libc6 2.36-9+deb12u14 "Source: glibc" "Homepage: https://www.gnu.org/software/libc/"
  package libstdc++6 12.2.0-14+deb12u1 "Source: gcc-12 (12.2.0-14)"
  package libexample1 1:2.3~rc1-4
  "$ROOT/hack/image-sbom.sh" "$IMAGE" >"$SBOM"
}

# package NAME VERSION LINE… — makes it a package of the image.
package() {
  printf '%s\n' "Package: $1" "Status: install ok installed" "Architecture: amd64" "Version: $2" "${@:3}" \
    "Description: says \"Version: 9\"" " Version: 8" >"$IMAGE/var/lib/dpkg/status.d/$1"
}

# holds FILTER — that jq says true.
holds() {
  jq --exit-status "$1" "$SBOM" >/dev/null || {
    echo "does not hold: $1"
    jq . "$SBOM"
    return 1
  }
}

@test "the document has every field that SPDX 2.3 demands" {
  holds '.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and (.name | length > 0)'
  holds '.documentNamespace | test("^https://[^#]+$")'
  holds '.creationInfo.created == "1970-01-01T00:00:00Z" and (.creationInfo.creators | all(test("^(Tool|Organization|Person): ")))'
  holds '.packages | length > 0 and all(.name and .downloadLocation and .filesAnalyzed == false and (.supplier | startswith("Organization: ")))'
  holds '.files | length > 0 and all(.fileName and (.checksums | any(.algorithm == "SHA1" and (.checksumValue | test("^[0-9a-f]{40}$")))))'
}

@test "identifiers are unique and well formed, and relationships are between things that are there" {
  holds '[.SPDXID, (.packages + .files)[].SPDXID] | all(test("^SPDXRef-[A-Za-z0-9.-]+$")) and (unique | length) == length'
  # shellcheck disable=SC2016 # the variable is jq's
  holds '[.SPDXID, (.packages + .files)[].SPDXID] as $all |
    .relationships | all([.spdxElementId, .relatedSpdxElement] | all(IN($all[])))'
  holds '[.relationships[] | select(.relationshipType == "DESCRIBES")] ==
    [{spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: "SPDXRef-Image"}]'
}

@test "packages have the names that scanners know them by" {
  holds '[.packages[].externalRefs[]?.referenceLocator] | contains([
    "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12",
    "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12",
    "pkg:deb/debian/libexample1@1%3A2.3~rc1-4?arch=amd64&distro=debian-12"])'
  holds '.packages[] | select(.name == "libc6") | .homepage == "https://www.gnu.org/software/libc/" and (.sourceInfo | endswith(" glibc"))'
}

@test "the image contains the program and its packages, and headers are in the program" {
  holds '[.relationships[] | select(.spdxElementId == "SPDXRef-Image" and .relationshipType == "CONTAINS").relatedSpdxElement] | sort == [
    "SPDXRef-Package-libc6", "SPDXRef-Package-libexample1", "SPDXRef-Package-libstdc-2b-2b6", "SPDXRef-Program"]'
  holds '[.relationships[] | select(.relationshipType == "STATIC_LINK").relatedSpdxElement] | length == 3 and contains(["SPDXRef-Package-nlohmann-json3-dev"])'
}

@test "the program is named with its version, its commit and its digest" {
  local digest
  digest="$(sha256sum "$IMAGE/usr/bin/dra-sim-gpu" | cut -d ' ' -f 1)"
  holds ".packages[] | select(.name == \"dra-sim-gpu\") | .versionInfo == \"0.1.0\" and (.sourceInfo | endswith(\" 0123456789ab\"))
    and .checksums == [{algorithm: \"SHA256\", checksumValue: \"$digest\"}]"
}

@test "every profile that is compiled in is named with its digest" {
  local profile
  for profile in "$ROOT"/profiles/*.yaml; do
    holds ".files[] | select(.fileName == \"./profiles/$(basename "$profile")\") | .checksums
      | any(.algorithm == \"SHA256\" and .checksumValue == \"$(sha256sum "$profile" | cut -d ' ' -f 1)\")"
  done
}

@test "the same image gives the same document, and another one another name" {
  "$ROOT/hack/image-sbom.sh" "$IMAGE" | cmp - "$SBOM"
  cp -r "$IMAGE" "$BATS_TEST_TMPDIR/other"
  rm "$BATS_TEST_TMPDIR/other/var/lib/dpkg/status.d/libexample1"
  local other
  other="$(SOURCE_DATE_EPOCH=1795000000 "$ROOT/hack/image-sbom.sh" "$BATS_TEST_TMPDIR/other")"
  [[ "$(jq -r .documentNamespace <<<"$other")" != "$(jq -r .documentNamespace "$SBOM")" ]]
  [[ "$(jq -r .creationInfo.created <<<"$other")" == 2026-11-18T*Z ]]
}

@test "what is no image is refused" {
  run -1 "$ROOT/hack/image-sbom.sh" "$BATS_TEST_TMPDIR"
  [[ "$output" == *"install it first"* ]]
  run -2 "$ROOT/hack/image-sbom.sh"
}
