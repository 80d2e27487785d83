# A kind cluster: needs docker, kind, kubectl and helm. The contract is in README.md.
# shellcheck shell=bash

KIND_CLUSTER="${E2E_KIND_CLUSTER:-sim-gpu-e2e}"
KIND_CONFIG="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/kind-config.yaml"
readonly KIND_CLUSTER KIND_CONFIG
KIND_WORK=""

# kind_image MINOR — the node image that kind 0.33.0 was released with.
kind_image() {
  case "$1" in
    1.34) echo kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d ;;
    1.35) echo kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0 ;;
    1.36) echo kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed ;;
    1.37) echo kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5 ;;
    *)
      echo "no node image for Kubernetes $1; there are 1.34, 1.35, 1.36 and 1.37" >&2
      return 1
      ;;
  esac
}

provider_check() {
  local missing=()
  command -v docker >/dev/null || missing+=("docker (https://docs.docker.com/engine/install)")
  command -v kind >/dev/null || missing+=("kind 0.33.0 (https://kind.sigs.k8s.io/docs/user/quick-start/#installation)")
  command -v kubectl >/dev/null || missing+=("kubectl (https://kubernetes.io/docs/tasks/tools)")
  command -v helm >/dev/null || missing+=("helm 3 (https://helm.sh/docs/intro/install)")
  if ((${#missing[@]})); then
    echo "the provider kind lacks:" >&2
    printf '  %s\n' "${missing[@]}" >&2
    return 1
  fi
  docker info >/dev/null 2>&1 || {
    echo "the docker daemon does not answer; see: docker info" >&2
    return 1
  }
  if kind get clusters 2>/dev/null | grep -qx "$KIND_CLUSTER"; then
    echo "the kind cluster $KIND_CLUSTER is there already, perhaps of another run; remove it with: kind delete cluster --name $KIND_CLUSTER" >&2
    return 1
  fi
  kind_image "${E2E_KUBERNETES:-1.36}" >/dev/null
}

# kind_config — with the gates that the release knows: of those that it has graduated, it refuses to hear.
kind_config() {
  local alpha=""
  case "${E2E_KUBERNETES:-1.36}" in
    1.34 | 1.35)
      alpha="DRAConsumableCapacity DRADeviceBindingConditions DRADeviceTaints DRAExtendedResource DRAPartitionableDevices ResourceHealthStatus"
      ;;
    1.36) alpha="DRANodeAllocatableResources DRAWorkloadResourceClaims GangScheduling GenericWorkload" ;;
    1.37) alpha="DRANodeAllocatableResources DRAWorkloadResourceClaims GenericWorkload" ;;
  esac
  cat "$KIND_CONFIG"
  local gate
  for gate in $alpha; do
    echo "  $gate: true"
  done
}

provider_up() {
  KIND_WORK="$(mktemp -d)"
  kind_config >"$KIND_WORK/config.yaml" || return
  export KUBECONFIG="$KIND_WORK/kubeconfig"
  kind create cluster --name "$KIND_CLUSTER" --config "$KIND_WORK/config.yaml" --image "$(kind_image "${E2E_KUBERNETES:-1.36}")" --wait 3m
}

provider_load() {
  local archive
  for archive in "$@"; do
    kind load image-archive "$archive" --name "$KIND_CLUSTER" || return
  done
}

provider_down() {
  kind delete cluster --name "$KIND_CLUSTER"
  [[ -z "$KIND_WORK" ]] || rm -rf "$KIND_WORK"
}

provider_logs() { kind export logs "$1" --name "$KIND_CLUSTER"; }

provider_can() { [[ " node-exec kubelet node apiserver reference-image " == *" $1 "* ]]; }

node_exec() {
  local node="$1"
  shift
  docker exec -i "$node" "$@"
}
kubelet_stop() { docker exec "$1" systemctl stop kubelet; }
kubelet_start() { docker exec "$1" systemctl start kubelet; }
node_stop() { docker kill "$1" >/dev/null; }
node_start() { docker start "$1" >/dev/null; }
# The kubelet of the control plane runs the API server as long as its manifest is there.
apiserver_stop() {
  docker exec "$KIND_CLUSTER-control-plane" mv /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/ || return
  local deadline=$((SECONDS + 60))
  while kubectl get --raw /readyz --request-timeout 2s >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return
    sleep 0.5
  done
}
apiserver_start() {
  docker exec "$KIND_CLUSTER-control-plane" mv /etc/kubernetes/kube-apiserver.yaml /etc/kubernetes/manifests/ || return
  local deadline=$((SECONDS + 120))
  until kubectl get --raw /readyz --request-timeout 2s >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return
    sleep 0.5
  done
}
