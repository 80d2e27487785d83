#!/usr/bin/env bash
# A real Kubernetes cluster on this machine without a container engine: etcd, API server, controller manager, scheduler,
# and two nodes, each with a kubelet, containerd and runc.
#
# Every part runs in network namespaces that exist for this cluster alone. The control plane's namespace is the switch
# between the nodes; a node is a pair of a network and a mount namespace, in which /run, /var/lib, /var/log and /etc are
# its own. So paths such as /var/lib/kubelet mean the node's in there, and nothing of the machine is touched. Both
# namespaces of a node vanish with its last process.
set -euo pipefail
# shellcheck source=SCRIPTDIR/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<USAGE
Usage: test/e2e/local/cluster.sh COMMAND

  check [--kubernetes MINOR] say what this machine lacks
  up [--kubernetes MINOR]   start a cluster; MINOR is one of: $(supported_kubernetes) (default $DEFAULT_KUBERNETES)
  down                      stop it and remove every trace of it
  env                       print the settings for a shell: eval "\$(test/e2e/local/cluster.sh env)"
  load ARCHIVE...           load docker archives on every node
  exec NODE COMMAND...      run a command on a node (node0, node1), as root, with its files and network
  kubelet-stop NODE         stop the kubelet; containers go on
  kubelet-start NODE
  node-stop NODE            power a node off
  node-start NODE           start it again: with another boot ID, and nothing in /run
  apiserver-stop
  apiserver-start
  logs FOLDER               copy the logs of all parts and containers

It needs root and Go; hack/install-deps.sh --e2e installs the rest. Programs are built once, into $CACHE.
USAGE
}

readonly STATE="$CACHE/cluster"
readonly LOGS="$STATE/log" PIDS="$STATE/pids" PKI="$STATE/pki"
# Names that are global to the machine: one cluster at a time.
readonly OWNER=/run/dra-driver-sim-gpu-e2e CGROUP=simgpu-e2e
readonly NODES=(node0 node1)
readonly PLANE_ADDRESS=10.89.0.1 SERVICE_ADDRESS=10.96.0.1
readonly PAUSE_IMAGE=registry.k8s.io/pause:3.10.1
node_address() { echo "10.89.0.$((10 + ${1#node}))"; }
pod_network() { echo "10.244.${1#node}"; }

# --- processes -------------------------------------------------------------------------------------------------------

# holds_namespaces NAME — unshare has done its work and become the process that keeps them alive.
holds_namespaces() { [[ "$(cat "/proc/$(pid_of "$1")/comm")" == sleep ]]; }

in_plane() { nsenter -t "$(pid_of plane || die "the cluster is not up")" --net -- "$@"; }
in_node() {
  local node="$1"
  shift
  nsenter -t "$(pid_of "$node" || die "$node is not running")" --net --mount --wd=/ -- "$@"
}
kubectl() { "$KUBERNETES/kubectl" --kubeconfig "$STATE/kubeconfig" "$@"; }

# --- certificates ----------------------------------------------------------------------------------------------------

# new_kubeconfig NAME SERVER — for the client certificate NAME.
new_kubeconfig() {
  cat <<CONFIG
apiVersion: v1
kind: Config
clusters:
  - name: local
    cluster:
      server: $2
      certificate-authority-data: $(base64 -w 0 "$PKI/ca.crt")
users:
  - name: $1
    user:
      client-certificate-data: $(base64 -w 0 "$PKI/$1.crt")
      client-key-data: $(base64 -w 0 "$PKI/$1.key")
contexts:
  - name: local
    context: {cluster: local, user: $1}
current-context: local
CONFIG
}

make_certificates() {
  mkdir -p "$PKI"
  new_ca ca
  new_ca front-proxy-ca
  new_key service-accounts
  new_certificate front-proxy front-proxy-ca /CN=front-proxy
  new_certificate apiserver ca /CN=kube-apiserver \
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:$PLANE_ADDRESS,IP:$SERVICE_ADDRESS"
  new_certificate admin ca /O=system:masters/CN=admin
  new_certificate kubelet-client ca /O=system:masters/CN=kube-apiserver-kubelet-client
  new_certificate controller-manager ca /CN=system:kube-controller-manager
  new_certificate scheduler ca /CN=system:kube-scheduler
  local node
  for node in "${NODES[@]}"; do
    new_certificate "$node" ca "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:$(node_address "$node")"
  done
}

# --- control plane ---------------------------------------------------------------------------------------------------

start_plane() {
  start plane unshare --net -- sleep infinity
  await "the control plane's network namespace" 10 holds_namespaces plane
  in_plane bash -euc "
    ip link set lo up
    ip address add $SERVICE_ADDRESS/32 dev lo
    ip link add switch address 02:00:00:00:00:01 type bridge # fixed, or it would change with the nodes
    ip link set switch up
    ip address add $PLANE_ADDRESS/24 dev switch
    ip route add default dev switch
    echo 1 >/proc/sys/net/ipv4/ip_forward"
  start etcd nsenter -t "$(pid_of plane)" --net -- "$ETCD/etcd" --name local --data-dir "$STATE/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster local=http://127.0.0.1:2380
  start_apiserver
}

# start_controllers — once the API server is ready: they end if they cannot read their settings from it.
start_controllers() {
  start controller-manager nsenter -t "$(pid_of plane)" --net -- "$KUBERNETES/kube-controller-manager" \
    --kubeconfig "$STATE/controller-manager.kubeconfig" --authentication-kubeconfig "$STATE/controller-manager.kubeconfig" \
    --authorization-kubeconfig "$STATE/controller-manager.kubeconfig" --leader-elect=false \
    --use-service-account-credentials --service-account-private-key-file "$PKI/service-accounts.key" \
    --root-ca-file "$PKI/ca.crt" --cluster-signing-cert-file "$PKI/ca.crt" --cluster-signing-key-file "$PKI/ca.key" \
    --feature-gates "$(<"$STATE/feature-gates")"
  start scheduler nsenter -t "$(pid_of plane)" --net -- "$KUBERNETES/kube-scheduler" --leader-elect=false \
    --kubeconfig "$STATE/scheduler.kubeconfig" --authentication-kubeconfig "$STATE/scheduler.kubeconfig" \
    --authorization-kubeconfig "$STATE/scheduler.kubeconfig" --feature-gates "$(<"$STATE/feature-gates")"
}

start_apiserver() {
  start apiserver nsenter -t "$(pid_of plane)" --net -- "$KUBERNETES/kube-apiserver" \
    --etcd-servers http://127.0.0.1:2379 --secure-port 443 --bind-address 0.0.0.0 --advertise-address "$PLANE_ADDRESS" \
    --service-cluster-ip-range 10.96.0.0/16 --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" \
    --client-ca-file "$PKI/ca.crt" --kubelet-certificate-authority "$PKI/ca.crt" \
    --kubelet-client-certificate "$PKI/kubelet-client.crt" --kubelet-client-key "$PKI/kubelet-client.key" \
    --kubelet-preferred-address-types InternalIP --authorization-mode Node,RBAC \
    --enable-admission-plugins NodeRestriction --enable-aggregator-routing=true --allow-privileged=true \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$PKI/service-accounts.key" \
    --service-account-signing-key-file "$PKI/service-accounts.key" \
    --requestheader-client-ca-file "$PKI/front-proxy-ca.crt" --requestheader-allowed-names front-proxy \
    --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
    --requestheader-extra-headers-prefix X-Remote-Extra- --proxy-client-cert-file "$PKI/front-proxy.crt" \
    --proxy-client-key-file "$PKI/front-proxy.key" --runtime-config api/all=true \
    --feature-gates "$(<"$STATE/feature-gates")"
}

# start_forward — lets programs outside of the namespaces reach the API server, through a port of the loopback interface.
start_forward() {
  start forward-inside nsenter -t "$(pid_of plane)" --net -- \
    socat "UNIX-LISTEN:$STATE/apiserver.sock,fork,mode=600" TCP:127.0.0.1:443
  local port
  for port in {16443..16542}; do
    start forward socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "UNIX-CONNECT:$STATE/apiserver.sock"
    while pid_of forward >/dev/null; do
      if ss -Hltnp "sport = :$port" | grep -q "pid=$(pid_of forward),"; then
        echo "$port"
        return
      fi
      sleep 0.02
    done
  done
  die "no free port from 16443 to 16542 on the loopback interface"
}

# --- nodes -----------------------------------------------------------------------------------------------------------

# start_node NODE — namespaces, network and mounts, containerd and the kubelet.
start_node() {
  local node="$1" files="$STATE/$1" address pods
  address="$(node_address "$node")" pods="$(pod_network "$node")"
  mkdir -p "$files"/{lib/kubelet/plugins,log,etc,etc.work}
  # A node that starts again is another boot to everybody on it.
  cat /proc/sys/kernel/random/uuid >"$files/boot-id"
  cp "$files/boot-id" "$files/lib/kubelet/plugins/boot-id"

  make_cgroups "$node"
  start "$node" unshare --net --mount --propagation slave -- sleep infinity
  await "the namespaces of $node" 10 holds_namespaces "$node"
  in_node "$node" bash -euc "
    mount --make-rshared /
    mount -t overlay -o lowerdir=/etc,upperdir=$files/etc,workdir=$files/etc.work overlay /etc
    mount --bind $files/boot-id /proc/sys/kernel/random/boot_id
    mount --bind $files/lib /var/lib
    mount --bind $files/log /var/log
    mount -t tmpfs -o mode=755 tmpfs /run
    mkdir -p /run/cdi /run/lock /etc/cni/net.d"
  in_plane bash -euc "
    ip link delete $node 2>/dev/null || true
    ip link add $node type veth peer name eth0 netns $(pid_of "$node")
    ip link set $node master switch up
    ip route replace $pods.0/24 via $address"
  in_node "$node" bash -euc "
    ip link set lo up
    ip address add $address/24 dev eth0
    ip link set eth0 up
    ip route add default via $PLANE_ADDRESS
    echo 1 >/proc/sys/net/ipv4/ip_forward"
  write_node_files "$node"
  start "containerd-$node" nsenter -t "$(pid_of "$node")" --net --mount --wd=/ -- \
    env "PATH=$RUNC:$CONTAINERD:$PATH" "$CONTAINERD/containerd" --config /etc/containerd-e2e.toml
  await "containerd on $node" 30 in_node "$node" "$CONTAINERD/ctr" version
  start_kubelet "$node"
}

start_kubelet() {
  start "kubelet-$1" nsenter -t "$(pid_of "$1")" --net --mount --wd=/ -- "$KUBERNETES/kubelet" -v=2 \
    --config /etc/kubelet-e2e.yaml --kubeconfig "$STATE/$1.kubeconfig" --hostname-override "$1" \
    --node-ip "$(node_address "$1")" --root-dir /var/lib/kubelet
}

write_node_files() {
  local node="$1" gate
  in_node "$node" tee /etc/cni/net.d/10-bridge.conflist >/dev/null <<CNI
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$(pod_network "$node").0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
CNI
  in_node "$node" tee /etc/containerd-e2e.toml >/dev/null <<TOML
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "$PAUSE_IMAGE"
[plugins."io.containerd.cri.v1.runtime"]
  enable_cdi = true
  cdi_spec_dirs = ["/var/run/cdi", "/etc/cdi"]
  restrict_oom_score_adj = true # root may lack CAP_SYS_RESOURCE
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["$CNI_PLUGINS"]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "$RUNC/runc"
TOML
  in_node "$node" tee /etc/kubelet-e2e.yaml >/dev/null <<KUBELET
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  x509: {clientCAFile: $PKI/ca.crt}
  webhook: {enabled: true}
authorization: {mode: Webhook}
tlsCertFile: $PKI/$node.crt
tlsPrivateKeyFile: $PKI/$node.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP/$node
failCgroupV1: false
failSwapOn: false
makeIPTablesUtilChains: false
clusterDNS: [10.96.0.10] # nobody is there, but without it the kubelet warns about every pod
clusterDomain: cluster.local
resolvConf: ""
volumePluginDir: /var/lib/kubelet/volume-plugins
podLogsDir: /var/log/pods
# The disk is the machine's; how full it is says nothing about the node.
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
featureGates:
$(tr ',' '\n' <"$STATE/feature-gates" | sed 's/=/: /; s/^/  /')
KUBELET
}

# cgroup_hierarchies — the mount points of every hierarchy (v1), or of the only one (v2).
cgroup_hierarchies() {
  if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
    echo /sys/fs/cgroup
  else
    awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts
  fi
}

# make_cgroups NODE — where the kubelet puts its pods; controllers on, and cpuset filled as v1 demands.
make_cgroups() {
  local hierarchy folder file
  for hierarchy in $(cgroup_hierarchies); do
    for folder in "$hierarchy/$CGROUP" "$hierarchy/$CGROUP/$1"; do
      if [[ -f "$hierarchy/cgroup.controllers" ]]; then
        sed -E 's/(\w+)/+\1/g' "${folder%/*}/cgroup.controllers" >"${folder%/*}/cgroup.subtree_control"
      fi
      mkdir -p "$folder"
      for file in cpuset.cpus cpuset.mems; do
        [[ ! -f "${folder%/*}/$file" || -f "$hierarchy/cgroup.controllers" ]] || cat "${folder%/*}/$file" >"$folder/$file"
      done
    done
  done
}

# remove_cgroups [NODE] — the node's, or the cluster's; none of them has processes any more, but some may be zombies still.
remove_cgroups() {
  local hierarchy folder
  for hierarchy in $(cgroup_hierarchies); do
    folder="$hierarchy/$CGROUP${1:+/$1}"
    [[ ! -d "$folder" ]] || await "the cgroups below $folder to be free" 20 find "$folder" -depth -type d -delete
  done
}

# processes_of NODE — of its containers (by cgroup), and of its runtime (by mount namespace); not the namespaces' holder.
processes_of() {
  local node="$1" hierarchy holder namespace process
  for hierarchy in $(cgroup_hierarchies); do
    [[ ! -d "$hierarchy/$CGROUP/$node" ]] || find "$hierarchy/$CGROUP/$node" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done
  holder="$(pid_of "$node")" || return 0
  namespace="$(readlink "/proc/$holder/ns/mnt")"
  for process in /proc/[0-9]*; do
    [[ "$(readlink "$process/ns/mnt" 2>/dev/null)" != "$namespace" || "${process#/proc/}" == "$holder" ]] || echo "${process#/proc/}"
  done
}

# stop_node NODE — as a power cut: everything on it is killed at once.
stop_node() {
  local node="$1" deadline=$((SECONDS + 20)) processes
  while processes="$(processes_of "$node" | sort -u)" && [[ -n "$processes" ]]; do
    ((SECONDS < deadline)) || die "processes of $node do not end: $(tr '\n' ' ' <<<"$processes")"
    # shellcheck disable=SC2086 # one word a process
    kill -KILL $processes 2>/dev/null || true
    sleep 0.1
  done
  stop "kubelet-$node" KILL
  stop "containerd-$node" KILL
  stop "$node" KILL
  remove_cgroups "$node" # they do not survive a reboot either; a kubelet looks at each that it finds, for seconds
}

# --- images ----------------------------------------------------------------------------------------------------------

# pack_image ARCHIVE NAME FOLDER [CONFIG] — a docker archive of one layer: the content of FOLDER. CONFIG is the JSON of
# the image's container settings.
pack_image() {
  local work layer config
  work="$(mktemp -d "$1.XXXXXX")"
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$3" -cf "$work/layer.tar" .
  layer="$(sha256sum "$work/layer.tar")"
  jq -cn --arg layer "sha256:${layer%% *}" --arg architecture "$(go env GOARCH)" --argjson config "${4:-{\}}" \
    '{architecture: $architecture, os: "linux", config: $config, rootfs: {type: "layers", diff_ids: [$layer]}}' >"$work/config.json"
  config="$(sha256sum "$work/config.json")" config="${config%% *}.json"
  mv "$work/config.json" "$work/$config"
  jq -cn --arg config "$config" --arg name "$2" '[{Config: $config, RepoTags: [$name], Layers: ["layer.tar"]}]' >"$work/manifest.json"
  tar -C "$work" -cf "$work/archive" manifest.json "$config" layer.tar
  mv "$work/archive" "$1"
  rm -rf "$work"
}

# make_images — stand-ins for the public images that pods of the tests name, because there is no registry: a static
# busybox, with bash where it is expected, and a server that only waits.
make_images() {
  local root
  mkdir -p "$STATE/images"
  root="$(mktemp -d)"
  mkdir -p "$root"/{bin,etc,tmp,root,usr}
  ln -s ../bin "$root/usr/bin"
  cp "$(command -v busybox)" "$root/bin/busybox"
  local applet
  for applet in $("$root/bin/busybox" --list); do
    [[ "$applet" == busybox ]] || ln -s busybox "$root/bin/$applet"
  done
  echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
  local path='"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]'
  pack_image "$STATE/images/busybox.tar" docker.io/library/busybox:1.37.0 "$root" "{$path, \"Cmd\": [\"sh\"]}"
  pack_image "$STATE/images/pause.tar" "$PAUSE_IMAGE" "$root" "{$path, \"Entrypoint\": [\"sleep\", \"infinity\"]}"
  printf '#!/bin/sh\ntrap "exit 0" TERM\nsleep infinity &\nwait\n' >"$root/bin/ollama"
  chmod +x "$root/bin/ollama"
  pack_image "$STATE/images/ollama.tar" docker.io/alpine/ollama:0.11.10 "$root" \
    "{$path, \"Entrypoint\": [\"/bin/ollama\"], \"Cmd\": [\"serve\"]}"
  cp "$(command -v bash-static)" "$root/bin/bash"
  pack_image "$STATE/images/ubuntu.tar" docker.io/library/ubuntu:22.04 "$root" "{$path, \"Cmd\": [\"bash\"]}"
  rm -rf "$root"
  root="$(mktemp -d)"
  mkdir -p "$root/usr/bin"
  cp "$REFERENCE/dra-example-kubeletplugin" "$root/usr/bin/"
  pack_image "$STATE/images/reference.tar" "$(reference_image)" "$root" '{"Env": ["PATH=/usr/bin"]}'
  rm -rf "$root"
}

reference_image() {
  echo "registry.k8s.io/dra-example-driver/dra-example-driver:$(module_version reference sigs.k8s.io/dra-example-driver)"
}

load_image() { in_node "$1" "$CONTAINERD/ctr" -n k8s.io images import "$2" >>"$LOGS/load-$1.log" 2>&1; }

load() {
  local node archive jobs=() job
  for node in "${NODES[@]}"; do
    for archive in "$@"; do
      [[ -r "$archive" ]] || die "cannot read the image archive $archive"
      load_image "$node" "$(realpath "$archive")" &
      jobs+=($!)
    done
  done
  for job in "${jobs[@]}"; do
    wait "$job" || die "cannot load an image; see $LOGS/load-*.log"
  done
}

# --- commands --------------------------------------------------------------------------------------------------------

# use_programs MINOR — sets the folders of the programs; builds what is missing.
use_programs() {
  local folders
  mapfile -t folders < <("$LOCAL_DIR/build.sh" "kubernetes-$1" etcd containerd runc helm reference)
  ((${#folders[@]} == 6)) || die "cannot build the cluster's programs"
  KUBERNETES="${folders[0]}" ETCD="${folders[1]}" CONTAINERD="${folders[2]}" RUNC="${folders[3]}" HELM="${folders[4]}"
  REFERENCE="${folders[5]}"
}

check_machine() {
  ((EUID == 0)) || die "the local cluster needs root: it makes namespaces, mounts and cgroups. Run it with sudo"
  local tool missing=()
  for tool in ip ss nsenter unshare openssl socat jq busybox bash-static go; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  CNI_PLUGINS=""
  local folder
  for folder in /usr/lib/cni /opt/cni/bin /usr/libexec/cni; do
    [[ ! -x "$folder/bridge" ]] || { CNI_PLUGINS="$folder" && break; }
  done
  [[ -n "$CNI_PLUGINS" ]] || missing+=("CNI plugins")
  ((${#missing[@]} == 0)) || die "missing: ${missing[*]}. hack/install-deps.sh --e2e installs all but Go (https://go.dev/dl)"
  supported_kubernetes | tr ' ' '\n' | grep -qx -- "$1" || die "no Kubernetes $1 here; there are: $(supported_kubernetes)"
}

# refuse_second_cluster — there is one cluster at a time, because names of cgroups are global.
refuse_second_cluster() {
  [[ ! -f "$OWNER" ]] ||
    die "a local cluster is up already, or being started; its files are in $(cat "$OWNER"). \`test/e2e/local/cluster.sh down\` removes it"
}

claim_machine() {
  if ! (set -o noclobber && echo "$STATE" >"$OWNER") 2>/dev/null; then
    refuse_second_cluster
    die "cannot write $OWNER"
  fi
}

up() {
  local minor="$1" before=$SECONDS node port
  use_programs "$minor"
  claim_machine
  rm -rf "$STATE"
  mkdir -p "$LOGS" "$PIDS"
  echo "$minor" >"$STATE/kubernetes"
  feature_gates >"$STATE/feature-gates"
  make_certificates
  for node in controller-manager scheduler "${NODES[@]}"; do
    new_kubeconfig "$node" "https://$PLANE_ADDRESS" >"$STATE/$node.kubeconfig"
  done
  start_plane
  port="$(start_forward)"
  new_kubeconfig admin "https://127.0.0.1:$port" >"$STATE/kubeconfig"
  for node in "${NODES[@]}"; do
    start_node "$node"
  done
  await "the API server" 60 kubectl get --raw /readyz
  start_controllers
  make_images
  load "$STATE"/images/*.tar
  for node in "${NODES[@]}"; do
    await "$node to register" 60 kubectl get node "$node"
  done
  kubectl wait --for condition=Ready --timeout 60s node --all >/dev/null || die "the nodes are not ready; logs are in $LOGS"
  await "the default service account" 30 kubectl get serviceaccount default
  note "Kubernetes $(kubectl version -o json | jq -r .serverVersion.gitVersion) with ${#NODES[@]} nodes is up after $((SECONDS - before)) s"
  note "use it with: eval \"\$(test/e2e/local/cluster.sh env)\""
}

down() {
  local node name
  if [[ -f "$OWNER" && "$(<"$OWNER")" != "$STATE" ]]; then
    die "the local cluster that is up belongs to SIMGPU_E2E_CACHE=$(dirname "$(<"$OWNER")")"
  fi
  if [[ -d "$PIDS" ]]; then
    for node in "${NODES[@]}"; do
      stop_node "$node"
    done
    for name in forward forward-inside scheduler controller-manager apiserver etcd; do
      stop "$name" KILL
    done
    stop plane KILL
  fi
  remove_cgroups
  rm -rf "$STATE"
  rm -f "$OWNER"
}

print_env() {
  cat <<ENV
export KUBECONFIG=$STATE/kubeconfig
export PATH=$KUBERNETES:$HELM:\$PATH
export E2E_REFERENCE_IMAGE=$(reference_image)
ENV
}

copy_logs() {
  local node
  mkdir -p "$1"
  cp "$LOGS"/*.log "$1"
  for node in "${NODES[@]}"; do
    [[ ! -d "$STATE/$node/log/pods" ]] || cp -rL "$STATE/$node/log/pods" "$1/pods-$node" 2>/dev/null || true
  done
}

is_node() { [[ " ${NODES[*]} " == *" ${1:-} "* ]] || die "no node \"${1:-}\"; there are: ${NODES[*]}"; }

command="${1:-}"
shift || true
case "$command" in
  check | up)
    minor="$DEFAULT_KUBERNETES"
    if [[ "${1:-}" == --kubernetes ]]; then
      minor="${2:?--kubernetes needs a release, for example 1.36}"
      shift 2
    fi
    (($# == 0)) || die "$command: unknown argument \"$1\""
    check_machine "$minor"
    refuse_second_cluster
    [[ "$command" == check ]] || up "$minor"
    ;;
  down)
    ((EUID == 0)) || die "stopping the local cluster needs root"
    down
    ;;
  env | load | exec | kubelet-stop | kubelet-start | node-stop | node-start | apiserver-stop | apiserver-start | logs)
    [[ -f "$OWNER" && -f "$STATE/kubernetes" ]] || die "no local cluster is up: test/e2e/local/cluster.sh up"
    check_machine "$(<"$STATE/kubernetes")"
    use_programs "$(<"$STATE/kubernetes")"
    case "$command" in
      env) print_env ;;
      load) load "$@" ;;
      logs) copy_logs "${1:?logs needs a folder}" ;;
      apiserver-stop) stop apiserver KILL ;;
      apiserver-start)
        pid_of apiserver >/dev/null || start_apiserver
        await "the API server" 60 kubectl get --raw /readyz
        ;;
      *)
        is_node "${1:-}"
        case "$command" in
          exec) in_node "$@" ;;
          kubelet-stop) stop "kubelet-$1" ;;
          kubelet-start) pid_of "kubelet-$1" >/dev/null || start_kubelet "$1" ;;
          node-stop) stop_node "$1" ;;
          node-start) pid_of "$1" >/dev/null || start_node "$1" ;;
        esac
        ;;
    esac
    ;;
  -h | --help) usage ;;
  *)
    usage >&2
    die "unknown command \"$command\""
    ;;
esac
