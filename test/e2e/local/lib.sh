# What the scripts of the local cluster share: versions, places and words. Sourced, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by those who source this
readonly DEFAULT_KUBERNETES=1.36
LOCAL_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly LOCAL_DIR
# Built programs and images, kept between runs.
readonly CACHE="${SIMGPU_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dra-driver-sim-gpu}"

note() { echo "==> $*" >&2; }
die() {
  echo "error: $*" >&2
  exit 1
}

# supported_kubernetes — the pinned minor releases, oldest first.
supported_kubernetes() {
  local folder
  for folder in "$LOCAL_DIR"/modules/kubernetes-*/; do
    folder="${folder%/}"
    printf '%s ' "${folder##*kubernetes-}"
  done | sed 's/ $//'
}

# module_version MODULE PATH — the version that modules/MODULE pins of the Go module PATH.
module_version() { sed -nE "s#^(require)?[[:space:]]*$2 (v[^ ]+).*#\2#p" "$LOCAL_DIR/modules/$1/go.mod" | head -n 1; }

# program_folder MODULE — where the programs of a module are kept. The name changes with whatever they are built from.
program_folder() {
  local sum
  sum="$(cat "$LOCAL_DIR/modules/$1"/{go.mod,go.sum,*.go} "$LOCAL_DIR/build.sh" | sha256sum)"
  echo "$CACHE/bin/$1-${sum:0:12}"
}

# --- processes -------------------------------------------------------------------------------------------------------
# They need LOGS and PIDS, two folders.

# start_time PID — in clock ticks since boot; together with the pid it names a process for good.
start_time() { sed -E 's/.*\) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# alone COMMAND... — replaces this subshell by the command, in a session of its own, without the files that others have
# opened: whoever waits for their end would otherwise wait for the command's.
alone() {
  local file
  for file in "/proc/$BASHPID/fd"/*; do
    file="${file##*/}"
    ((file <= 2)) || eval "exec $file>&-"
  done
  exec setsid "$@"
}

# start NAME COMMAND... — runs a process in the background, with a log.
start() {
  local name="$1"
  shift
  alone "$@" >>"$LOGS/$name.log" 2>&1 </dev/null &
  echo "$! $(start_time $!)" >"$PIDS/$name"
}

# pid_of NAME — of a process that start() started and that still runs; fails otherwise.
pid_of() {
  local pid since state
  read -r pid since 2>/dev/null <"$PIDS/$1" || return 1
  [[ "$(start_time "$pid")" == "$since" ]] || return 1
  state="$(sed -E 's/.*\) (.).*/\1/' "/proc/$pid/stat" 2>/dev/null)" || return 1
  [[ "$state" != Z ]] || return 1
  echo "$pid"
}

# stop NAME [SIGNAL] — stops what start() started and waits for its end; SIGKILL after ten seconds.
stop() {
  local pid deadline=$((SECONDS + 10))
  if pid="$(pid_of "$1")"; then
    kill "-${2:-TERM}" "$pid" 2>/dev/null || true
    while pid_of "$1" >/dev/null; do
      ((SECONDS < deadline)) || kill -KILL "$pid" 2>/dev/null || true
      sleep 0.05
    done
  fi
  rm -f "$PIDS/$1"
}

# await WHAT SECONDS COMMAND... — polls until the command succeeds.
await() {
  local what="$1" deadline=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || die "$what: not within the time; logs are in $LOGS"
    sleep 0.1
  done
}

# --- certificates ----------------------------------------------------------------------------------------------------
# They need PKI, a folder.

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$1.key"; }

new_ca() {
  new_key "$1"
  openssl req -x509 -new -key "$PKI/$1.key" -days 365 -subj "/CN=$1" -out "$PKI/$1.crt"
}

# new_certificate NAME CA SUBJECT [ALTERNATIVE NAMES]
new_certificate() {
  local usage=clientAuth
  new_key "$1"
  [[ -z "${4:-}" ]] || usage="serverAuth,clientAuth"
  openssl req -new -key "$PKI/$1.key" -subj "$3" | openssl x509 -req -CA "$PKI/$2.crt" -CAkey "$PKI/$2.key" \
    -set_serial "0x$(openssl rand -hex 8)" -days 365 -out "$PKI/$1.crt" \
    -extfile <(echo "extendedKeyUsage=$usage${4:+
subjectAltName=$4}") 2>/dev/null
}

# --- settings --------------------------------------------------------------------------------------------------------

# feature_gates — all beta gates and the alpha ones of DRA, as far as the release in the folder KUBERNETES knows them
# (graduated ones it refuses).
feature_gates() {
  local known gate gates="AllBeta=true"
  known="$("$KUBERNETES/kube-apiserver" --help)"
  for gate in DRAAdminAccess DRAConsumableCapacity DRADeviceBindingConditions DRADeviceTaints DRAExtendedResource \
    DRANodeAllocatableResources DRAPartitionableDevices DRAPrioritizedList DRAResourceClaimDeviceStatus \
    DRAWorkloadResourceClaims GangScheduling GenericWorkload ResourceHealthStatus; do
    ! grep -qE "^ +(kube:)?$gate=true\|false \((ALPHA|BETA)" <<<"$known" || gates+=",$gate=true"
  done
  echo "$gates"
}
