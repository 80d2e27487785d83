#!/usr/bin/env bash
# Checks that every room includes only the rooms that docs/architecture.md allows it, and that third-party libraries stay
# in the rooms that own them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Room: the rooms it may include beside itself.
declare -A uses=(
  [base]=""
  [metrics]="base"
  [cdi]="base"
  [device]="cdi base"
  [http]="base"
  [kube]="metrics base"
  [claim]="cdi device kube metrics base"
  [slice]="device kube metrics base"
  [controller]="kube base"
  [kubelet]="claim device metrics base"
  [driver]="cdi device kube claim slice kubelet metrics base"
  [webhook]="device kube http base"
  [app]="cdi device kube claim slice controller kubelet driver http webhook metrics base"
  [standin]="http kube cdi base"
)
# Header prefix: the rooms that may include it.
declare -A owners=(
  ["curl/"]="kube"
  ["yaml-cpp/"]="cdi device kube standin"
  ["grpc"]="kubelet standin"
  ["google/protobuf"]="kube kubelet standin"
  ["k8s/"]="kube standin"
  ["boost/"]="http"
  ["CLI/"]="app standin"
  ["spdlog/"]="base"
)

status=0
complain() {
  echo "$1" >&2
  status=1
}

for room in "${!uses[@]}"; do
  allowed=" $room ${uses[$room]} "
  while IFS=: read -r file line include; do
    other="${include#*\"}"
    other="${other#simgpu/}"
    other="${other%%/*}"
    if [[ -n "${uses[$other]+known}" && "$allowed" != *" $other "* ]]; then
      complain "$file:$line: room $room may not include room $other (allowed: ${uses[$room]:-none})"
    fi
  done < <(grep -rnE '^#include "' "src/$room" "include/simgpu/$room" 2>/dev/null | sed -E 's/#include //')

  for prefix in "${!owners[@]}"; do
    if [[ " ${owners[$prefix]} " != *" $room "* ]]; then
      found="$(grep -rnE "^#include [<\"]$prefix" "src/$room" "include/simgpu/$room" 2>/dev/null || true)"
      [[ -z "$found" ]] || complain "$found: room $room may not use this library (rooms that may: ${owners[$prefix]})"
    fi
  done
done

for room in src/*/; do
  name="$(basename "$room")"
  [[ -n "${uses[$name]+known}" ]] || complain "src/$name: a room that hack/check-rooms.sh does not know"
done
exit "$status"
