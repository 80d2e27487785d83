#!/usr/bin/env bash
# Completes the root file system of the image around the program that is installed in it. The Dockerfile runs this, in its
# build stage, as root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
Usage: hack/image-root.sh ROOT

Adds to ROOT, in which usr/bin/dra-sim-gpu is installed: the shared libraries that it needs, the names of the reference
driver's programs, CA certificates, the configuration of name resolution, licences, the list of the Debian packages
that all this is from, and an SPDX document of it all.
USAGE
}

die() {
  echo "hack/image-root.sh: $1" >&2
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
readonly limit_mib=57 # 60 MB

[[ -x "$program" ]] || die "$program is missing: install it first"

# The dynamic loader finds libraries, and the kernel the loader, under the paths that they have here.
mkdir -p "$root/usr/lib"
for directory in /lib /lib64; do
  if [[ -L "$directory" ]]; then
    target="$(readlink -f "$directory")"
    mkdir -p "$root$target"
    ln -sfn "${target#/}" "$root$directory"
  fi
done

# ldd lists the loader itself as a path, and libraries as "name => path".
closure="$(ldd "$program")"
! grep -q 'not found' <<<"$closure" || die "a library is missing: $(grep 'not found' <<<"$closure")"
mapfile -t libraries < <(awk '$2 == "=>" && $3 ~ /^\// {print $3; next} $1 ~ /^\// {print $1}' <<<"$closure" | sort -u)
((${#libraries[@]})) || die "$program has no shared libraries; expected some"

# owner_of FILE — the Debian package that it is from. One that was built before /lib became a link knows it by its old path.
owner_of() {
  local owner
  owner="$(dpkg-query --search "$1" 2>/dev/null || dpkg-query --search "${1#/usr}")"
  echo "${owner%%:*}"
}

# Installs the files under the paths at which they are here, and remembers their packages.
packages=()
for library in "${libraries[@]}"; do
  file="$(readlink -f "$(dirname "$library")")/$(basename "$library")" # without links in the path, but under its own name
  mkdir -p "$root$(dirname "$file")"
  cp -L --preserve=mode,timestamps "$file" "$root$file"
  packages+=("$(owner_of "$(readlink -f "$file")")")
done
while read -r archive; do
  packages+=("$(owner_of "$(readlink -f "$archive")")")
done < <(grep . "$root/usr/share/doc/dra-driver-sim-gpu/static-libraries" || true)
mkdir -p "$root/etc/ssl/certs"
cp -L --preserve=mode,timestamps /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
packages+=(ca-certificates)

for name in kubeletplugin webhook controller; do
  ln -sfn dra-sim-gpu "$root/usr/bin/dra-example-$name"
done

# Without this file glibc asks DNS before /etc/hosts.
echo "hosts: files dns" >"$root/etc/nsswitch.conf"

# Scanners read from these which distribution and packages the libraries are from.
cp -L /etc/os-release "$root/etc/os-release"
mkdir -p "$root/var/lib/dpkg/status.d" "$root/usr/share/doc/dra-driver-sim-gpu"
cp -a /usr/share/common-licenses "$root/usr/share/"
cp LICENSE "$root/usr/share/doc/dra-driver-sim-gpu/copyright"
while read -r package; do
  dpkg-query --status "$package" >"$root/var/lib/dpkg/status.d/$package"
  mkdir -p "$root/usr/share/doc/$package"
  cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
done < <(printf '%s\n' "${packages[@]}" | sort -u)

hack/image-sbom.sh "$root" >"$root/usr/share/doc/dra-driver-sim-gpu/sbom.spdx.json"

size_mib="$(du -s --block-size=1M "$root" | cut -f 1)"
echo "Image: ${#libraries[@]} libraries, $size_mib MiB"
((size_mib <= limit_mib)) || die "the image has $size_mib MiB, the limit is $limit_mib; look at: du -a $root | sort -n"
