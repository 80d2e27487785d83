#!/usr/bin/env bats
# What is in the image, and what is not.
bats_require_minimum_version 1.5.0
load lib

setup_file() {
  [[ -n "$E2E_IMAGE_ARCHIVE" ]] || skip "the image was not built by this run"
  export WORK="$BATS_FILE_TMPDIR"
  tar -xf "$E2E_IMAGE_ARCHIVE" -C "$WORK"
  mkdir "$WORK/root"
  local layer
  for layer in $(jq -r '.[0].Layers[]' "$WORK/manifest.json"); do
    tar -xf "$WORK/$layer" -C "$WORK/root"
  done
}

config() { jq -r "$1" "$WORK/$(jq -r '.[0].Config' "$WORK/manifest.json")"; }

@test "the image has less than 60 MB unpacked" {
  local size
  size="$(du --summarize --bytes "$WORK/root" | cut -f 1)"
  echo "# $((size / 1000000)) MB" >&3
  ((size < 60 * 1000 * 1000))
}

@test "the image has no shell and no package manager" {
  local program
  for program in sh bash dash busybox apt apt-get dpkg perl python3; do
    equal "$(find "$WORK/root" -name "$program" -not -type d)" ""
  done
}

@test "nothing in the image has the setuid bit" {
  equal "$(find "$WORK/root" -perm /6000 -not -type d)" ""
}

@test "the image has the program, under its own name and those of the reference driver" {
  [[ -x "$WORK/root/usr/bin/dra-sim-gpu" ]]
  local name
  for name in dra-example-kubeletplugin dra-example-webhook dra-example-controller; do
    equal "$(basename "$(readlink "$WORK/root/usr/bin/$name")")" dra-sim-gpu
  done
}

@test "the program is stripped, and names its commit" {
  [[ "$(readelf --sections --wide "$WORK/root/usr/bin/dra-sim-gpu")" != *" .symtab "* ]]
  contains "$(config '.config.Labels["org.opencontainers.image.version"]')" 0.
  [[ "$(config '.config.Labels["org.opencontainers.image.revision"]')" =~ ^([0-9a-f]{12}(-dirty)?|unknown)$ ]]
}

@test "the image has CA certificates" {
  [[ -s "$WORK/root/etc/ssl/certs/ca-certificates.crt" ]]
}

@test "the image starts the driver, as root" {
  equal "$(config '.config.User')" 0
  equal "$(config '.config.Entrypoint[0]')" dra-sim-gpu
}

@test "the image says what it is made of" {
  local sbom="$WORK/root/usr/share/doc/dra-driver-sim-gpu/sbom.spdx.json"
  equal "$(jq -r .spdxVersion "$sbom")" SPDX-2.3
  equal "$(jq -r '.packages[] | select(.name == "dra-sim-gpu").checksums[0].checksumValue' "$sbom")" \
    "$(sha256sum "$WORK/root/usr/bin/dra-sim-gpu" | cut -d ' ' -f 1)"
  local packages
  # shellcheck disable=SC2016 # the variable is jq's
  packages="$(jq -r '(.packages | map({key: .SPDXID, value: .name}) | from_entries) as $names
    | .relationships[] | select(.spdxElementId == "SPDXRef-Image" and .relationshipType == "CONTAINS") | $names[.relatedSpdxElement]' "$sbom")"
  equal "$(sort <<<"$packages")" "$({
    ls "$WORK/root/var/lib/dpkg/status.d"
    echo dra-sim-gpu
  } | sort)"
}

@test "the program is hardened" {
  "$ROOT/hack/check-hardening.sh" "$WORK/root/usr/bin/dra-sim-gpu"
}
