# What the end-to-end tests share. They talk to the cluster with kubectl and helm, as a user would; what only they need has
# a name here.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by those who load this

E2E="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$E2E/../.." && pwd)"
CHART="$ROOT/charts/dra-driver-sim-gpu"
DRIVER=gpu.example.com
# The release that most tests use, and its namespace.
RELEASE=sim-gpu
DAEMONSET=sim-gpu-dra-driver-sim-gpu-kubeletplugin

: "${E2E_PROVIDER:?run these tests with test/e2e/run.sh}" "${E2E_IMAGE:?}"
# shellcheck source=/dev/null # which one is known only now
. "$E2E/providers/$E2E_PROVIDER.sh"

# --- words of the tests ----------------------------------------------------------------------------------------------

# needs CAPABILITY — skips the test where the provider cannot do that.
needs() { provider_can "$1" || skip "the provider $E2E_PROVIDER cannot do this: $1"; }

# needs_kubernetes MINOR — skips the test on an older release.
needs_kubernetes() {
  local minor
  minor="$(kubectl version --output json | jq -r '.serverVersion.minor' | tr -dc 0-9)"
  ((minor >= ${1#1.})) || skip "Kubernetes 1.$minor is too old: $1 or newer"
}

# eventually SECONDS COMMAND... — tries until the command succeeds; at the end its output is shown.
eventually() {
  local deadline=$((SECONDS + $1)) output
  shift
  until output="$("$@" 2>&1)"; do
    ((SECONDS < deadline)) || {
      printf 'still not so: %s\n%s\n' "$*" "$output" >&2
      return 1
    }
    sleep 0.3
  done
}

# equal FOUND EXPECTED
equal() {
  [[ "$1" == "$2" ]] || {
    diff --unified --label expected --label found <(echo "$2") <(echo "$1") >&2
    return 1
  }
}

# prints EXPECTED COMMAND... — what the command prints is this.
prints() {
  local expected="$1"
  shift
  equal "$("$@")" "$expected"
}

# mentions WORDS COMMAND... — what the command prints has these words in it.
mentions() {
  local words="$1"
  shift
  contains "$("$@")" "$words"
}

# lacks WORDS COMMAND... — the command succeeds, and what it prints does not have these words in it.
lacks() {
  local words="$1" output
  shift
  output="$("$@")" || return
  [[ "$output" != *"$words"* ]] || {
    printf 'found:\n%s\nnot expected in it:\n%s\n' "$output" "$words" >&2
    return 1
  }
}

# contains TEXT WORDS
contains() {
  [[ "$1" == *"$2"* ]] || {
    printf 'found:\n%s\nexpected in it:\n%s\n' "$1" "$2" >&2
    return 1
  }
}

# refused WORDS COMMAND... — the command fails and says WORDS.
refused() {
  local words="$1" output
  shift
  if output="$("$@" 2>&1)"; then
    printf 'not refused: %s\n%s\n' "$*" "$output" >&2
    return 1
  fi
  contains "$output" "$words"
}

# --- nodes -----------------------------------------------------------------------------------------------------------

# nodes — those that pods can run on.
nodes() {
  kubectl get nodes --output json |
    jq -r '.items[] | select([.spec.taints[]? | select(.effect != "PreferNoSchedule")] | length == 0) | .metadata.name' | sort
}
one_node() { nodes | head -n 1; }

# node_of POD NAMESPACE
node_of() { kubectl --namespace "$2" get pod "$1" --output jsonpath='{.spec.nodeName}'; }

# cdi_files NODE — the CDI specs of the driver there.
cdi_files() { node_exec "$1" sh -c 'ls -A /var/run/cdi' | grep gpu.example.com || true; }

# processes_of_pod NODE UID NAME — process ids, as the node sees them, of the programs of that name in a pod.
processes_of_pod() {
  # shellcheck disable=SC2016 # the node's shell expands them
  node_exec "$1" sh -c '
    for folder in /proc/[0-9]*; do
      [ "$(cat "$folder/comm" 2>/dev/null)" = "$2" ] && tr _ - <"$folder/cgroup" 2>/dev/null | grep -q "$1" && echo "${folder#/proc/}"
    done; true' sh "$2" "$3"
}

# --- the driver ------------------------------------------------------------------------------------------------------

# chart COMMAND RELEASE ARGUMENT... — helm install or upgrade of the chart with the image under test.
chart() {
  local command="$1" release="$2"
  shift 2
  # shellcheck disable=SC2086 # "upgrade --install" is two words
  helm $command "$release" "$CHART" --namespace "$release" --create-namespace --wait --timeout 3m \
    --set image.repository="${E2E_IMAGE%:*}" --set image.tag="${E2E_IMAGE##*:}" "$@"
}

# ensure_driver ARGUMENT... — the release is there with these values and no others, and offers devices on every node.
ensure_driver() {
  chart "upgrade --install --reset-values" "$RELEASE" "$@" >/dev/null
  eventually 60 offers_on_every_node "$DRIVER"
  echo "$*" >"$BATS_RUN_TMPDIR/driver"
}

remove_driver() {
  rm -f "$BATS_RUN_TMPDIR/driver"
  helm uninstall "$RELEASE" --namespace "$RELEASE" --wait --timeout 2m --ignore-not-found >/dev/null
  kubectl delete namespace "$RELEASE" --ignore-not-found --timeout 2m >/dev/null
}

# devices_of NODE [DRIVER] — how many devices the driver offers there.
devices_of() {
  kubectl get resourceslices --field-selector "spec.nodeName=$1,spec.driver=${2:-$DRIVER}" --output json |
    jq '[.items[].spec.devices // [] | length] | add // 0'
}

offers_on_every_node() {
  local node
  for node in $(nodes); do
    (($(devices_of "$node" "$1") > 0)) || return 1
  done
}

# plugin_pod NODE — the driver's pod on a node, of those that are not ending.
plugin_pod() {
  kubectl --namespace "$RELEASE" get pods --selector app.kubernetes.io/component=kubeletplugin --field-selector "spec.nodeName=$1" \
    --output json | jq -r '.items[] | select(.metadata.deletionTimestamp == null) | .metadata.name' | head -n 1
}

# --- pods with devices -----------------------------------------------------------------------------------------------

# apply FILE — kubectl apply of a manifest with the image under test.
apply() { sed "s#image: \"\\?dra-driver-sim-gpu:[^\"]*\"\\?#image: $E2E_IMAGE#" "$1" | kubectl apply --filename - >/dev/null; }

# example NAME — applies deploy/examples/NAME.yaml to a driver with the chart values that its first lines name, if any. Its
# objects are in a namespace of that name; EXAMPLE is the name from now on.
example() {
  EXAMPLE="$1"
  local file="$ROOT/deploy/examples/$1.yaml" value settings=()
  # shellcheck disable=SC2013 # words, not lines
  for value in $(sed -n 's/^# Chart values: *//p' "$file"); do
    settings+=(--set "$value")
    [[ "$value" != deviceProfile=* ]] || local DRIVER="${value#*=}.example.com"
  done
  if [[ "${settings[*]}" != "$(cat "$BATS_RUN_TMPDIR/driver" 2>/dev/null || echo none)" ]]; then
    ensure_driver "${settings[@]}"
  fi
  apply "$file"
}

# clean_up_example — after a test of one: what it shows if the test failed, and then all of its objects are gone.
clean_up_example() {
  [[ -n "${EXAMPLE:-}" ]] || return 0
  [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$EXAMPLE"
  delete_namespace "$EXAMPLE"
  kubectl delete --ignore-not-found --wait=false --filename "$ROOT/deploy/examples/$EXAMPLE.yaml" >/dev/null 2>&1 || true
}

# gpu_pod NAMESPACE NAME [COUNT] [NODE] — a pod that asks for GPUs, 1 if no COUNT is given, by a template of its own. Its log
# begins with its variables. It ends at once when it is told to.
gpu_pod() {
  local namespace="$1" name="$2" count="${3:-1}" selector=""
  [[ -z "${4:-}" ]] || selector="nodeSelector: {kubernetes.io/hostname: $4}"
  kubectl create namespace "$namespace" --dry-run=client --output yaml | kubectl apply --filename - >/dev/null
  eventually 30 kubectl --namespace "$namespace" get serviceaccount default
  kubectl apply --filename - >/dev/null <<MANIFEST
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {namespace: $namespace, name: $name}
spec:
  spec:
    devices:
      requests:
        - name: gpu
          exactly: {deviceClassName: $DRIVER, count: $count}
---
apiVersion: v1
kind: Pod
metadata: {namespace: $namespace, name: $name}
spec:
  $selector
  containers:
    - name: ctr0
      image: busybox:1.37.0
      command: [sh, -c, "env | sort; trap 'exit 0' TERM; sleep infinity & wait"]
      resources: {claims: [{name: gpu}]}
  resourceClaims:
    - {name: gpu, resourceClaimTemplateName: $name}
MANIFEST
}

# restarts NAMESPACE POD — how often its first container was started again.
restarts() { kubectl --namespace "$1" get pod "$2" --output jsonpath='{.status.containerStatuses[0].restartCount}'; }

# claim_state NAMESPACE CLAIM — pending, or allocated,reserved.
claim_state() { kubectl --namespace "$1" get resourceclaim "$2" --no-headers | awk '{print $2}'; }

# restart_container NAMESPACE POD — its container ends, and starts again with the same GPU.
restart_container() {
  local before gpu
  before="$(restarts "$@")" gpu="$(gpus "$@")"
  # Often the command is killed with the container that it ends.
  kubectl --namespace "$1" exec "$2" -- kill -TERM 1 || true
  eventually 60 prints "$((before + 1))" restarts "$@"
  running "$@"
  equal "$(gpus "$@")" "$gpu"
}

# ends_cleanly NAMESPACE POD — it can be deleted, and nothing of its claim stays on its node.
ends_cleanly() {
  local claim node
  claim="$(claim_of "$@")" node="$(node_of "$2" "$1")"
  ! provider_can node-exec || mentions "$claim" cdi_files "$node"
  kubectl --namespace "$1" delete pod "$2" --timeout 60s
  ! provider_can node-exec || eventually 30 lacks "$claim" cdi_files "$node"
}

running() { kubectl --namespace "$1" wait pod "${@:2}" --for condition=Ready --timeout 120s >/dev/null; }
all_running() { running "$1" --all; }

# variables NAMESPACE POD [CONTAINER] — what a container printed of its environment.
variables() { kubectl --namespace "$1" logs "$2" --container "${3:-ctr0}" | grep -E '^[A-Z][A-Z0-9_]*='; }

# gpus NAMESPACE POD [CONTAINER] — the names of its GPUs, a line each.
gpus() {
  eventually 20 variables "$@"
  variables "$@" | sed -nE 's/^GPU_DEVICE_[A-Z0-9_]+=(gpu-[a-z0-9-]+)$/\1/p' | sort
}

# variable NAME NAMESPACE POD [CONTAINER] — the value of a variable, `*` in the name stands for the GPU's number.
variable() {
  local name="${1//\*/[0-9]+}"
  shift
  eventually 20 variables "$@"
  variables "$@" | sed -nE "s/^$name=(.*)\$/\\1/p"
}

# claim_of NAMESPACE POD — the UID of the only claim of a pod.
claim_of() {
  local claim
  claim="$(kubectl --namespace "$1" get pod "$2" --output json |
    jq -r '.status.resourceClaimStatuses[0].resourceClaimName // .spec.resourceClaims[0].resourceClaimName')"
  kubectl --namespace "$1" get resourceclaim "$claim" --output jsonpath='{.metadata.uid}'
}

# delete_namespace NAME... — ends their pods and waits for it; the rest of them goes away on its own.
delete_namespace() {
  local namespace
  for namespace in "$@"; do
    kubectl --namespace "$namespace" delete deployments,jobs --all --ignore-not-found --timeout 60s >/dev/null 2>&1 || true
    kubectl --namespace "$namespace" delete pods --all --timeout 90s >/dev/null
    kubectl delete namespace "$namespace" --wait=false --ignore-not-found >/dev/null
  done
}

# explain NAMESPACE... — after a failed test: what happened there.
explain() {
  local namespace
  for namespace in "$@"; do
    kubectl --namespace "$namespace" get pods,resourceclaims --output wide || true
    kubectl --namespace "$namespace" get events --sort-by .lastTimestamp | tail -n 15 || true
  done >&2
}
