#!/usr/bin/env bats
# test/e2e/run.sh and its kind provider, with commands that only record how they were called: what a run does to the machine,
# in which order, and that it cleans up.

setup() {
  ROOT="$(cd "$BATS_TEST_DIRNAME/../.." && pwd)"
  copy="$BATS_TEST_TMPDIR/copy" fakes="$BATS_TEST_TMPDIR/bin"
  export CALLS="$BATS_TEST_TMPDIR/calls"
  mkdir -p "$copy/test" "$copy/hack" "$fakes"
  cp -r "$ROOT/test/e2e" "$copy/test/"
  : >"$CALLS"
  fake kubectl 'case "$*" in *"version --output json"*) echo "{\"serverVersion\": {\"gitVersion\": \"v1.36.4\"}}" ;; esac'
  fake helm
  fake docker
  # shellcheck disable=SC2016 # the fake expands them
  fake kind 'case "$*" in
    "get clusters") cat "$CLUSTERS" 2>/dev/null ;;
    "create cluster "*) cp "${6:?}" "$CALLS.config" ;;
  esac'
  # shellcheck disable=SC2016
  fake bats 'exit "${FAKE_BATS:-0}"'
  # An archive as docker save writes it.
  # shellcheck disable=SC2016
  fake image.sh 'printf %s "[{\"RepoTags\": [\"docker.io/library/dra-driver-sim-gpu:v0.1.0\"]}]" >"${4%.tar}.json"
    tar -cf "$4" -C "$(dirname "$4")" --transform "s/.*/manifest.json/" "$(basename "${4%.tar}.json")"'
  mv "$fakes/image.sh" "$copy/hack/"
  export CLUSTERS="$BATS_TEST_TMPDIR/clusters"
  run_e2e="$copy/test/e2e/run.sh"
  REAL_PATH="$PATH" PATH="$fakes:$PATH"
}

# fake NAME [SCRIPT] — a command that records its call and then does SCRIPT.
fake() {
  # shellcheck disable=SC2016 # the fake expands them
  printf '#!/usr/bin/env bash\necho "%s $*" >>"$CALLS"\n%s\n' "$1" "${2:-}" >"$fakes/$1"
  chmod +x "$fakes/$1"
}

# line WORDS — in which line of the recorded calls the words are first; fails if nowhere.
line() {
  grep -nF -- "$1" "$CALLS" | head -n 1 | cut -d : -f 1 | grep . || {
    echo "no call with: $1" >&2
    cat "$CALLS" >&2
    return 1
  }
}

# never WORDS — no recorded call has the words.
never() {
  if grep -F -- "$1" "$CALLS"; then
    return 1
  fi
}

@test "kind: image, cluster, load, tests, removal, in this order" {
  "$run_e2e" --provider kind
  local image create load test delete
  image="$(line "image.sh --tag v0.1.0 --archive")"
  create="$(line "kind create cluster --name sim-gpu-e2e")"
  load="$(line "kind load image-archive $copy/build/e2e/image.tar --name sim-gpu-e2e")"
  test="$(line "bats --timing --print-output-on-failure test/e2e/00-image.bats")"
  delete="$(line "kind delete cluster --name sim-gpu-e2e")"
  ((image < create && create < load && load < test && test < delete))
}

@test "kind: the node image is pinned by digest, and fits the release" {
  local release
  for release in 1.34 1.35 1.36 1.37; do
    : >"$CALLS"
    "$run_e2e" --provider kind --kubernetes "$release"
    grep -qE "kind create cluster .*--image kindest/node:v$release\.[0-9]+@sha256:[0-9a-f]{64} " "$CALLS"
  done
}

@test "kind: two workers, and the gates that the release has not graduated" {
  "$run_e2e" --provider kind --kubernetes 1.34
  [[ "$(grep -c 'role: worker' "$CALLS.config")" == 2 ]]
  grep -qx '  DRAPartitionableDevices: true' "$CALLS.config"
  "$run_e2e" --provider kind --kubernetes 1.37
  [[ "$(<"$CALLS.config")" != *DRAPartitionableDevices* ]]
  grep -qx '  DRAWorkloadResourceClaims: true' "$CALLS.config"
}

@test "failed tests fail the run, leave logs, and the cluster is removed all the same" {
  FAKE_BATS=1 run "$run_e2e" --provider kind
  [[ "$status" == 1 ]]
  [[ "$output" == *"tests failed"* ]]
  [[ "$output" == *"Logs of the cluster are in $copy/build/e2e/logs"* ]]
  line "kind export logs $copy/build/e2e/logs/cluster --name sim-gpu-e2e"
  line "kind delete cluster --name sim-gpu-e2e"
}

@test "--keep leaves the cluster" {
  "$run_e2e" --provider kind --keep
  never "kind delete"
}

@test "a cluster of another run is not touched" {
  echo sim-gpu-e2e >"$CLUSTERS"
  run "$run_e2e" --provider kind
  [[ "$status" == 1 ]]
  [[ "$output" == *"the kind cluster sim-gpu-e2e is there already"* ]]
  never "kind create"
  never "kind delete"
}

@test "missing tools are named, with where to get them" {
  rm "$fakes/kind" "$fakes/helm"
  # Of the machine's commands only those that the script itself needs, or it might have kind.
  local tool
  for tool in bash cat dirname realpath grep sed mktemp rm env; do
    ln -s "$(PATH="$REAL_PATH" command -v "$tool")" "$fakes/$tool"
  done
  PATH="$fakes" run "$run_e2e" --provider kind
  [[ "$status" == 1 ]]
  [[ "$output" == *"kind 0.33.0 (https://kind.sigs.k8s.io"* ]]
  [[ "$output" == *"helm 3 (https://helm.sh"* ]]
  [[ "$output" != *"docker ("* ]]
}

@test "a docker daemon that does not answer is said" {
  # shellcheck disable=SC2016
  fake docker '[[ "$1" != info ]]'
  run "$run_e2e" --provider kind
  [[ "$status" == 1 ]]
  [[ "$output" == *"the docker daemon does not answer"* ]]
}

@test "existing: needs an image, and neither builds nor removes anything" {
  # shellcheck disable=SC2016
  fake kubectl 'case "$*" in
    *"get deviceclass"*) exit 1 ;;
    *"version --output json"*) echo "{\"serverVersion\": {\"gitVersion\": \"v1.36.4\"}}" ;;
  esac'
  run "$run_e2e" --provider existing
  [[ "$status" == 1 ]]
  [[ "$output" == *"--image REPOSITORY:TAG"* ]]
  "$run_e2e" --provider existing --image registry.example/sim-gpu:v0.1.0
  never image.sh
  never kind
  line "bats --timing"
}

@test "local: without root it says so at once" {
  ((EUID == 0)) || skip "needs root to become somebody else"
  chmod -R a+rX "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$(dirname "$(dirname "$BATS_TEST_TMPDIR")")"
  run setpriv --reuid 65534 --regid 65534 --clear-groups "$run_e2e" --provider local
  [[ "$status" == 1 ]]
  [[ "$output" == *"the local cluster needs root"* ]]
}

@test "wrong arguments are refused with 2, and what is allowed" {
  local arguments
  for arguments in "" "--provider minikube" "--provider kind --kubernetes new" "--provider kind --speed 3" "--provider" \
    "--provider existing --image image.tar" "--provider kind --image untagged" "--provider kind missing.bats"; do
    # shellcheck disable=SC2086 # several arguments
    run "$run_e2e" $arguments
    [[ "$status" == 2 ]] || {
      echo "\"$arguments\" ended with $status: $output" >&2
      return 1
    }
    [[ "$output" == *"Usage: test/e2e/run.sh"* ]]
  done
}
