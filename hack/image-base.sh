#!/usr/bin/env bash
# Makes the root file system of the base image from Debian's packages, for hack/image.sh on machines that reach no image
# registry. As root.
set -euo pipefail

readonly suite=bookworm keyring=/usr/share/keyrings/debian-archive-keyring.gpg

usage() {
  cat <<EOF
Usage: hack/image-base.sh FOLDER

Fills the new folder FOLDER with a minimal Debian $suite for this machine's architecture. Packages come from the
mirrors in this machine's apt configuration, if it has some for $suite, else from deb.debian.org.
EOF
}

die() {
  echo "hack/image-base.sh: $1" >&2
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
folder="$1"

((EUID == 0)) || die "run this as root: debootstrap makes a file system and installs packages in it"
command -v debootstrap >/dev/null || die "debootstrap is missing; install it with: apt-get install debootstrap"
[[ -f "$keyring" ]] || die "$keyring is missing; install it with: apt-get install debian-archive-keyring"
[[ ! -e "$folder" ]] || die "$folder is there already"

# mirror_of RELEASE DEFAULT — where apt gets that release of Debian from on this machine. Others, who publish packages for
# a release, call their own archive by its name too.
mirror_of() {
  local found=""
  if command -v apt-get >/dev/null; then
    # shellcheck disable=SC2016 # the names are apt's
    found="$(apt-get indextargets --format '$(SITE) $(RELEASE) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
      awk -v release="$1" '$1 ~ /^https?:/ && $2 == release && $3 == "Debian" && !found++ {print $1}')"
  fi
  echo "${found:-$2}"
}
mirror="$(mirror_of "$suite" http://deb.debian.org/debian)"
security="$(mirror_of "$suite-security" http://deb.debian.org/debian-security)"

log="$(mktemp)"
cleanup() {
  local code=$?
  rm -f "$log"
  if ((code != 0)); then
    umount "$folder/proc" "$folder/sys" 2>/dev/null || true
    rm -rf --one-file-system "$folder"
  fi
}
trap cleanup EXIT

options=(--variant=minbase --keyring="$keyring")
[[ "$mirror $security" != *https:* ]] || options+=(--include=ca-certificates)
echo "Base image: installing a minimal Debian $suite from $mirror"
debootstrap "${options[@]}" "$suite" "$folder" "$mirror" >"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  die "debootstrap failed; its last words are above"
}

rm -f "$folder/etc/apt/sources.list"
cat >"$folder/etc/apt/sources.list.d/debian.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $suite $suite-updates
Components: main
Signed-By: $keyring

Types: deb
URIs: $security
Suites: $suite-security
Components: main
Signed-By: $keyring
EOF
# As in Debian's own images for containers: no documentation but licences.
cat >"$folder/etc/dpkg/dpkg.cfg.d/no-documentation" <<'EOF'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
EOF
# What is of this machine, and what apt can fetch again.
cd "$folder"
rm -rf dev/* etc/hostname etc/resolv.conf var/lib/apt/lists/* var/cache/apt/archives/*.deb var/cache/apt/*.bin var/log/*.log
