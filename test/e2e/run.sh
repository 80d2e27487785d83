#!/usr/bin/env bash
# Installs the driver on a real cluster as its users do, and shows what it does there. See README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<'USAGE'
Usage: test/e2e/run.sh --provider kind|local|existing [OPTION...] [FILE...]

  --provider kind      a new kind cluster; needs docker, kind, kubectl, helm
  --provider local     a new cluster on this machine without a container engine; needs Linux, root and Go
                       (hack/install-deps.sh --e2e installs the rest). The first time it builds Kubernetes: some 20 minutes
  --provider existing  the cluster of the current kubeconfig; needs --image

  --kubernetes MINOR   1.34, 1.35, 1.36 (default) or 1.37; not with existing
  --image NAME:TAG     use this image instead of building one. With kind and local: a docker archive, NAME.tar, of it
                       may be given instead
  --filter REGEX       run only the tests whose names match
  --keep               leave the cluster up
  --logs FOLDER        where logs go when a test fails (default: build/e2e/logs)
  FILE...              run only these (default: test/e2e/*.bats)

Exits with 0 if every test passed, with 1 if one failed, with 2 if the arguments are wrong.
USAGE
}

die() {
  echo "test/e2e/run.sh: $*" >&2
  exit 1
}
wrong_usage() {
  echo "test/e2e/run.sh: $1" >&2
  usage >&2
  exit 2
}
step() { echo "=== $* ($(date -u +%T))"; }

provider="" keep=0 filter="" logs="$PWD/build/e2e/logs" image="" files=()
while (($#)); do
  case "$1" in
    --provider | --kubernetes | --image | --filter | --logs)
      [[ -n "${2:-}" ]] || wrong_usage "$1 needs a value"
      case "$1" in
        --provider) provider="$2" ;;
        --kubernetes) export E2E_KUBERNETES="$2" ;;
        --image) image="$2" ;;
        --filter) filter="$2" ;;
        --logs) logs="$(realpath -m "$2")" ;;
      esac
      shift
      ;;
    --keep) keep=1 ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) wrong_usage "unknown option \"$1\"" ;;
    *)
      [[ -f "$1" ]] || wrong_usage "no file \"$1\""
      files+=("$1")
      ;;
  esac
  shift
done
case "$provider" in
  kind | local | existing) ;;
  "") wrong_usage "--provider is missing" ;;
  *) wrong_usage "unknown provider \"$provider\"" ;;
esac
[[ -z "${E2E_KUBERNETES:-}" || "$E2E_KUBERNETES" =~ ^1\.[0-9]+$ ]] || wrong_usage "--kubernetes: expected a minor release such as 1.36, found \"$E2E_KUBERNETES\""
((${#files[@]})) || files=(test/e2e/*.bats)
export E2E_PROVIDER="$provider"

archive=""
if [[ "$image" == *.tar ]]; then
  [[ "$provider" != existing ]] || wrong_usage "--image: the provider existing cannot load an archive"
  archive="$(realpath "$image")"
  image="$(tar -xOf "$archive" manifest.json | jq -r '.[0].RepoTags[0]')" || die "--image: $archive is no docker archive"
elif [[ -n "$image" ]]; then
  [[ "$image" == *:* ]] || wrong_usage "--image: expected NAME:TAG, found \"$image\""
fi
export E2E_IMAGE_GIVEN="$image"

# shellcheck source=/dev/null # which one is known only now
. "test/e2e/providers/$provider.sh"
provider_check || exit 1
for tool in bats jq; do
  command -v "$tool" >/dev/null || die "$tool is missing; hack/install-deps.sh --e2e installs it"
done

status=0
up=0
# shellcheck disable=SC2317 # a trap calls it
finish() {
  local code=$?
  trap - EXIT
  ((code == 0)) || status=$code
  if ((status != 0 && up)); then
    rm -rf "$logs/cluster"
    mkdir -p "$logs/cluster"
    provider_logs "$logs/cluster" || true
    kubectl get pods,resourceclaims,resourceslices,events --all-namespaces --output wide >"$logs/cluster/objects.txt" 2>&1 || true
    echo "E2E: failed. Logs of the cluster are in $logs" >&2
  fi
  if ((up && keep)); then
    echo "E2E: the cluster stays, as --keep asks for. KUBECONFIG=${KUBECONFIG:-}" >&2
  elif ((up)); then
    step "removing the cluster"
    provider_down || status=1
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [[ -z "$image" ]]; then
  step "building the image"
  archive="$PWD/build/e2e/image.tar"
  mkdir -p build/e2e
  arguments=(--tag v0.1.0 --archive "$archive")
  [[ "$provider" != local ]] || arguments+=(--bootstrap-base)
  hack/image.sh "${arguments[@]}" >build/e2e/image.log 2>&1 || {
    tail -n 40 build/e2e/image.log >&2
    die "cannot build the image; all of it is in build/e2e/image.log"
  }
  image="$(tar -xOf "$archive" manifest.json | jq -r '.[0].RepoTags[0]')"
fi
image="${image#docker.io/library/}"
export E2E_IMAGE="$image" E2E_IMAGE_ARCHIVE="$archive"

step "starting a cluster: $provider${E2E_KUBERNETES:+, Kubernetes $E2E_KUBERNETES}"
up=1
provider_up || die "the cluster does not start"
[[ -z "$archive" ]] || provider_load "$archive" || die "cannot load the image into the nodes"

step "testing $image on Kubernetes $(kubectl version --output json | jq -r .serverVersion.gitVersion)"
mkdir -p "$logs"
bats --timing --print-output-on-failure ${filter:+--filter "$filter"} "${files[@]}" || status=1
if ((status)); then
  echo "E2E: tests failed; each says above what it expected" >&2
fi
exit "$status"
