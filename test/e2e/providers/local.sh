# A real cluster on this machine without a container engine; see test/e2e/local/cluster.sh. The contract is in README.md.
# shellcheck shell=bash

LOCAL_CLUSTER="$(cd "$(dirname "${BASH_SOURCE[0]}")/../local" && pwd)/cluster.sh"
readonly LOCAL_CLUSTER

provider_check() { "$LOCAL_CLUSTER" check ${E2E_KUBERNETES:+--kubernetes "$E2E_KUBERNETES"}; }

provider_up() {
  "$LOCAL_CLUSTER" up ${E2E_KUBERNETES:+--kubernetes "$E2E_KUBERNETES"} || return
  # KUBECONFIG, PATH with kubectl and helm, and E2E_REFERENCE_IMAGE.
  local settings
  settings="$("$LOCAL_CLUSTER" env)" || return
  eval "$settings"
}

provider_load() { "$LOCAL_CLUSTER" load "$@"; }
provider_down() { "$LOCAL_CLUSTER" down; }
provider_logs() { "$LOCAL_CLUSTER" logs "$1"; }
provider_can() { [[ " node-exec kubelet node boot-id apiserver reference-image " == *" $1 "* ]]; }

node_exec() { "$LOCAL_CLUSTER" exec "$@"; }
kubelet_stop() { "$LOCAL_CLUSTER" kubelet-stop "$1"; }
kubelet_start() { "$LOCAL_CLUSTER" kubelet-start "$1"; }
node_stop() { "$LOCAL_CLUSTER" node-stop "$1"; }
node_start() { "$LOCAL_CLUSTER" node-start "$1"; }
apiserver_stop() { "$LOCAL_CLUSTER" apiserver-stop; }
apiserver_start() { "$LOCAL_CLUSTER" apiserver-start; }
