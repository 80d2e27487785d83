#!/usr/bin/env bash
# Measures this driver and the reference driver side by side, on one API server, and prints a table. docs/performance.md
# explains what is measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=SCRIPTDIR/../e2e/local/lib.sh
. test/e2e/local/lib.sh

usage() {
  cat <<'USAGE'
Usage: test/bench/compare.sh [OPTION...]

  --quick        a few minutes instead of a quarter of an hour, with less repetition
  --rounds N     how often each driver is measured, in turns (default 5, with --quick 1)
  --only PART,…  only these parts: start, memory, latency, burst, growth, cpu, one-call, reads, scale, size
  --claims N     claims of the largest burst (default 256); beyond 128 they hold shares of devices
  --cdi-dir DIR  where the drivers write CDI specs (default: below /dev/shm, because nodes have them on a tmpfs, too)
  --alone        leave the reference out, to work on this driver
  --driver FILE  measure this program instead of building one
  --image FILE   docker archive of this driver's image (hack/image.sh --archive), to report its size
  --json FILE    all results (default build/bench/compare.json)
  --enforce      exit with 3 if a target is missed

It needs Go, openssl and no root. What it builds is kept for the next time. Let nothing else run on the machine meanwhile.
USAGE
}

json="$PWD/build/bench/compare.json" cdi_parent=/dev/shm ours="" arguments=()
while (($# > 0)); do
  case "$1" in
    --quick | --alone | --enforce) arguments+=("$1") ;;
    --rounds | --only | --claims)
      arguments+=("$1" "${2:?$1 needs a value}")
      shift
      ;;
    --cdi-dir)
      cdi_parent="$(realpath "${2:?--cdi-dir needs a folder}")"
      shift
      ;;
    --driver)
      ours="$(realpath "${2:?--driver needs a program}")"
      shift
      ;;
    --image)
      arguments+=(--image "$(realpath -e "${2:?--image needs a file}")")
      shift
      ;;
    --json)
      json="$(realpath -m "${2:?--json needs a file}")"
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      die "unknown option \"$1\""
      ;;
  esac
  shift
done
for tool in go openssl; do
  command -v "$tool" >/dev/null || die "$tool is needed"
done

# --- build -----------------------------------------------------------------------------------------------------------

folders="$(test/e2e/local/build.sh "kubernetes-$DEFAULT_KUBERNETES" etcd reference)"
mapfile -t folders <<<"$folders"
KUBERNETES="${folders[0]}" etcd="${folders[1]}" reference="${folders[2]}/dra-example-kubeletplugin"
if [[ -z "$ours" ]]; then
  hack/build.sh release dra-sim-gpu
  ours="$PWD/build/release/src/app/dra-sim-gpu"
fi
mkdir -p build/bench
note "building and testing the client"
test/bench/check.sh >&2
(cd test/bench/client && go build -o ../../../build/bench/compare .)

# --- API server ------------------------------------------------------------------------------------------------------

work="$(mktemp -d "${TMPDIR:-/tmp}/simgpu-bench.XXXXXX")"
LOGS="$work" PIDS="$work/pids" PKI="$work/pki"
mkdir "$PIDS" "$PKI"
cdi=""
client=""

# shellcheck disable=SC2317,SC2329 # called by a trap
clean_up() {
  local status=$?
  trap '' INT TERM HUP
  [[ -z "$client" ]] || { kill "$client" 2>/dev/null && wait "$client"; } || true # it stops the driver
  disown -a # bash would tell that they were killed
  stop apiserver KILL
  stop etcd KILL
  [[ -z "$cdi" ]] || rm -rf "$cdi"
  if ((status == 1)); then
    rm -rf "$work/etcd" "$PKI" "$work/tokens.csv" "$work/run/kubeconfig"
    note "logs are in $work"
  else
    rm -rf "$work"
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

cdi="$(mktemp -d "$cdi_parent/simgpu-bench.XXXXXX")"
new_ca ca
new_key service-accounts
new_certificate apiserver ca /CN=kube-apiserver DNS:localhost,IP:127.0.0.1
token="$(openssl rand -hex 16)"
(umask 077 && echo "$token,bench,bench,system:masters" >"$work/tokens.csv")

ports="$(build/bench/compare ports 3)"
mapfile -t ports <<<"$ports"
start etcd "$etcd/etcd" --name bench --data-dir "$work/etcd" --unsafe-no-fsync \
  --listen-client-urls "http://127.0.0.1:${ports[0]}" --advertise-client-urls "http://127.0.0.1:${ports[0]}" \
  --listen-peer-urls "http://127.0.0.1:${ports[1]}" --initial-advertise-peer-urls "http://127.0.0.1:${ports[1]}" \
  --initial-cluster "bench=http://127.0.0.1:${ports[1]}"
# The address is for other machines (192.0.2.0/24 is nobody's), but there are none.
start apiserver "$KUBERNETES/kube-apiserver" --etcd-servers "http://127.0.0.1:${ports[0]}" \
  --secure-port "${ports[2]}" --bind-address 127.0.0.1 --advertise-address 192.0.2.1 --endpoint-reconciler-type none \
  --service-cluster-ip-range 10.96.0.0/16 --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" \
  --token-auth-file "$work/tokens.csv" --authorization-mode RBAC --service-account-issuer https://kubernetes.default.svc \
  --service-account-key-file "$PKI/service-accounts.key" --service-account-signing-key-file "$PKI/service-accounts.key" \
  --feature-gates "$(feature_gates)"

# --- measure ---------------------------------------------------------------------------------------------------------

mkdir "$work/run"
build/bench/compare --ours "$ours" --reference "$reference" \
  --reference-version "$(module_version reference sigs.k8s.io/dra-example-driver)" --server "https://127.0.0.1:${ports[2]}" \
  --token "$token" --certificates "$PKI" --work "$work/run" --cdi "$cdi" --json "$json" "${arguments[@]}" &
client=$!
status=0
wait "$client" || status=$?
client=""
((status != 0)) || note "all results: $json"
exit "$status"
