#!/usr/bin/env bash
# Installs what building and testing need from the distribution's packages (Debian 12 or newer, Ubuntu 24.04 or newer).
# Does nothing if everything is there. Works as root or with sudo.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: hack/install-deps.sh [--build | [--lint] [--fuzz] [--bench] [--e2e]]

  --build  install only what building the driver needs, without its tests
  --lint   also install what hack/lint.sh needs: clang-format 19, clang-tidy 19, shellcheck, bats
  --fuzz   also install what hack/fuzz.sh needs: clang 19 with its sanitizers and libFuzzer
  --bench  also install what hack/bench.sh needs beside Go: Google Benchmark, openssl
  --e2e    also install what test/e2e/run.sh --provider local needs beside Go: bats, buildah, debootstrap, CNI plugins
           and what the programs of a node call
EOF
}

build_packages=(
  g++ cmake ninja-build ccache pkg-config ca-certificates
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  nlohmann-json3-dev libspdlog-dev libfmt-dev libcli11-dev
  libcurl4-openssl-dev libyaml-cpp-dev libssl-dev libboost-dev
)
test_packages=(git curl jq libgtest-dev libgmock-dev)
lint_packages=(clang-format-19 clang-tidy-19 shellcheck bats)
fuzz_packages=(clang-19 libclang-rt-19-dev)
bench_packages=(libbenchmark-dev openssl)
e2e_packages=(
  bats git curl jq openssl
  buildah debootstrap
  gcc libc6-dev libseccomp-dev pkg-config
  busybox-static bash-static
  containernetworking-plugins iproute2 iptables conntrack ebtables socat
)

packages=("${build_packages[@]}" "${test_packages[@]}")
for argument in "$@"; do
  case "$argument" in
    --build)
      (($# == 1)) || {
        echo "hack/install-deps.sh: --build stands alone" >&2
        exit 2
      }
      packages=("${build_packages[@]}")
      ;;
    --lint) packages+=("${lint_packages[@]}") ;;
    --fuzz) packages+=("${fuzz_packages[@]}") ;;
    --bench) packages+=("${bench_packages[@]}") ;;
    --e2e) packages+=("${e2e_packages[@]}") ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      echo "hack/install-deps.sh: unknown argument \"$argument\"" >&2
      usage >&2
      exit 2
      ;;
  esac
done

command -v apt-get >/dev/null || {
  echo "hack/install-deps.sh: this is no Debian or Ubuntu; install the packages' counterparts by hand:" >&2
  printf '  %s\n' "${packages[@]}" >&2
  exit 1
}

missing=()
for package in "${packages[@]}"; do
  if [[ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" != "install ok installed" ]]; then
    missing+=("$package")
  fi
done
if ((${#missing[@]} == 0)); then
  echo "Dependencies: all ${#packages[@]} packages are installed"
  exit 0
fi

sudo=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    echo "hack/install-deps.sh: run this as root, or install sudo; missing: ${missing[*]}" >&2
    exit 1
  }
  sudo=(sudo)
fi
echo "Dependencies: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -q
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
