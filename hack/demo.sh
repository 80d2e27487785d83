#!/usr/bin/env bash
# Walks through a DRA tutorial on this machine, without a cluster: the real driver between a stand-in API server and a
# stand-in kubelet, each a process of its own. Exit code 0 only if every step held.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: hack/demo.sh [--keep]

  --keep  leave logs and files behind, and say where
EOF
}

keep=0
case "${1:-}" in
  "") ;;
  --keep) keep=1 ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    echo "hack/demo.sh: unknown argument \"$1\"" >&2
    usage >&2
    exit 2
    ;;
esac

readonly node=kind-worker driver=gpu.example.com namespace=dra-tutorial gpus=9
if [[ -t 1 ]]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold="" green="" red="" dim="" plain=""
fi

step_number=0
step() {
  step_number=$((step_number + 1))
  echo
  echo "${bold}${step_number}. $1${plain}"
}
show() { sed "s/^/   ${dim}|${plain} /"; }
held() { echo "   ${green}ok${plain} $1"; }
fail() {
  echo "   ${red}FAILED${plain} $1" >&2
  for log in "$work"/*.log; do
    echo "--- last lines of ${log##*/}" >&2
    tail -n 15 "$log" >&2
  done
  exit 1
}

# Waits until a command succeeds, 10 s at most.
await() {
  local what="$1" deadline=$((SECONDS + 10))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || fail "$what did not happen within 10 s"
    for name in "${!pids[@]}"; do
      kill -0 "${pids[$name]}" 2>/dev/null || fail "the $name has ended unexpectedly"
    done
    sleep 0.05
  done
}

declare -A pids=()
work=""
finish() {
  local code=$?
  for name in driver kubelet apiserver; do
    if [[ -n "${pids[$name]:-}" ]]; then
      kill "${pids[$name]}" 2>/dev/null || true
      wait "${pids[$name]}" 2>/dev/null || true
    fi
  done
  if [[ -n "$work" ]]; then
    if ((keep)); then
      echo
      echo "Logs and files: $work"
    else
      rm -rf "$work"
    fi
  fi
  exit "$code"
}
trap finish EXIT
trap 'echo "   ${red}FAILED${plain} hack/demo.sh line $LINENO" >&2' ERR

echo "${bold}Building${plain}"
hack/install-deps.sh
hack/build.sh debug dra-sim-gpu dra-sim-gpu-standin
work="$(mktemp -d /tmp/sim-gpu-demo.XXXXXX)"
readonly bin=build/debug/src/app/dra-sim-gpu standin=build/debug/src/standin/dra-sim-gpu-standin
mkdir -p "$work/kubelet/plugins_registry" "$work/cdi" "$work/pods"

api() { curl --silent --show-error --fail-with-body --max-time 5 "${@:2}" "http://127.0.0.1:$port$1"; }
apply() { api "$1" --header 'Content-Type: application/yaml' --data-binary "@$2" >/dev/null || fail "cannot create $2"; }

step "An API server, and the real driver on a node named $node"
"$standin" apiserver --port-file "$work/port" --kubeconfig-out "$work/kubeconfig" --scheduler --node "$node" \
  >"$work/apiserver.log" 2>&1 &
pids[apiserver]=$!
await "the API server's start" test -s "$work/port"
port="$(<"$work/port")"
"$bin" kubelet-plugin --node-name="$node" --num-devices="$gpus" --kubeconfig="$work/kubeconfig" \
  --cdi-root="$work/cdi" --kubelet-registrar-directory-path="$work/kubelet/plugins_registry" \
  --kubelet-plugins-directory-path="$work/kubelet/plugins" >"$work/driver.log" 2>&1 &
pids[driver]=$!
held "$("$bin" --version)"

step "The driver publishes its GPUs in a ResourceSlice"
slices() { api "/apis/resource.k8s.io/v1/resourceslices"; }
devices_published() { [[ "$(slices | jq '[.items[].spec.devices[]?] | length')" == "$gpus" ]]; }
await "the publication of $gpus GPUs" devices_published
slices | jq -r '.items[] | "\(.metadata.name)  node=\(.spec.nodeName)  driver=\(.spec.driver)  pool=\(.spec.pool.name)",
  (.spec.devices[] | "  \(.name)  \(.attributes.model.string)  memory=\(.capacity.memory.value)  \(.attributes.uuid.string)")' | show
[[ "$(slices | jq -r '.items[0].spec.devices[8].attributes.uuid.string')" == gpu-091ffa42-7640-9cfd-c78e-4fbb544c2a00 ]] ||
  fail "gpu-8 of $node should have the UUID of the tutorial"
held "$gpus GPUs, with the UUIDs that the tutorial shows"

step "A kubelet starts, wipes the slices of its node as kubelets do, and registers the driver"
"$standin" kubelet --node-name "$node" --kubeconfig "$work/kubeconfig" --kubelet-root "$work/kubelet" \
  --cdi-root "$work/cdi" --log-dir "$work/pods" >"$work/kubelet.log" 2>&1 &
pids[kubelet]=$!
registered() { grep -q "The kubelet has registered" "$work/driver.log"; }
await "the registration" registered
await "the restoration of the slices" devices_published
held "registered, and the slices are back"

step "A claim for all GPUs with 80Gi, and a pod that uses it"
apply "/api/v1/namespaces" <(printf '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"%s"}}' "$namespace")
apply "/apis/resource.k8s.io/v1/deviceclasses" hack/demo/deviceclass.yaml
apply "/apis/resource.k8s.io/v1/namespaces/$namespace/resourceclaims" hack/demo/resourceclaim.yaml
apply "/api/v1/namespaces/$namespace/pods" hack/demo/pod.yaml
claim() { api "/apis/resource.k8s.io/v1/namespaces/$namespace/resourceclaims/example-resource-claim"; }
pod_runs() { [[ "$(api "/api/v1/namespaces/$namespace/pods/demo" | jq -r .status.phase)" == Running ]]; }
await "the start of the container" pod_runs
claim | jq -r '.status.allocation.devices.results[] | "\(.request) -> \(.driver)/\(.pool)/\(.device)"' | show
[[ "$(claim | jq '.status.allocation.devices.results | length')" == "$gpus" ]] || fail "the claim should have $gpus GPUs"
uid="$(claim | jq -r .metadata.uid)"
held "allocated, prepared, and the container runs"

step "What the driver said"
grep -E "PrepareResourceClaims is called|Returning newly prepared" "$work/driver.log" | cut -c1-180 | show
grep -q "Returning newly prepared devices for claim '$uid'" "$work/driver.log" || fail "the log should name the claim $uid"
held "the lines of the tutorial"

step "The CDI spec of the claim, which the container runtime reads"
spec="$work/cdi/k8s.$driver-gpu_$uid.yaml"
[[ -f "$spec" ]] || fail "$spec should exist"
head -n 24 "$spec" | cut -c1-150 | show
held "${spec##*/}"

step "The environment of the container"
output() { find "$work/pods" -type f -name '*.log' -exec cat {} +; }
printed() { output | grep -q "GPU_DEVICE_$((gpus - 1))="; }
await "the output of the container" printed
environment="$(output)"
grep -E '^(KUBERNETES_NODE_NAME|DRA_|GPU_DEVICE_)' <<<"$environment" | sort -V | show
expect() { grep -qFx "$1" <<<"$environment" || fail "the container should have $1"; }
expect "KUBERNETES_NODE_NAME=$node"
expect "DRA_RESOURCE_DRIVER_NAME=$driver"
for ((i = 0; i < gpus; i++)); do
  expect "GPU_DEVICE_$i=gpu-$i"
  expect "GPU_DEVICE_${i}_RESOURCE_CLAIM=$uid"
  expect "GPU_DEVICE_GPU_${i}_RESOURCE_CLAIM=$uid"
  expect "GPU_DEVICE_${i}_SHARING_STRATEGY=TimeSlicing"
  expect "GPU_DEVICE_${i}_TIMESLICE_INTERVAL=Default"
done
held "all variables of the tutorial, for all $gpus GPUs"

step "The pod is deleted: the claim is unprepared"
api "/api/v1/namespaces/$namespace/pods/demo" --request DELETE >/dev/null
spec_gone() { [[ ! -e "$spec" ]]; }
await "the removal of the CDI spec" spec_gone
held "the CDI spec is gone"

step "The driver is stopped"
kill "${pids[driver]}"
wait "${pids[driver]}" || fail "the driver should exit with 0"
unset 'pids[driver]'
[[ -z "$(ls "$work/kubelet/plugins_registry")" ]] || fail "the registration socket should be gone"
held "exit code 0, sockets gone"

echo
echo "${green}${bold}Demo: every step held.${plain}"
