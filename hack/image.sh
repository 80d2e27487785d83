#!/usr/bin/env bash
# Builds the container image, with docker or with buildah.
set -euo pipefail
called_from="$PWD"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly name=dra-driver-sim-gpu
readonly default_base=docker.io/library/debian:bookworm-slim
readonly bootstrapped_base=localhost/$name-base:bookworm
version="$(sed -nE 's/^project\(.* VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt)"

usage() {
  cat <<EOF
Usage: hack/image.sh [--tag TAG] [--builder docker|buildah] [--platform PLATFORM]
                     [--base-image IMAGE | --bootstrap-base] [--archive FILE] [--fresh]

Builds the container image $name:TAG from these sources. It holds the program and the libraries that it
needs, and no shell. What it is made of stands in its file /usr/share/doc/$name/sbom.spdx.json (SPDX 2.3).

  --tag TAG            default: v$version
  --builder BUILDER    docker or buildah; default: docker if its daemon answers, else buildah
  --platform PLATFORM  for example linux/arm64; default: that of this machine. The programs of another one are run by
                       QEMU (packages qemu-user-static and binfmt-support), slowly
  --base-image IMAGE   Debian 12 to build on; default: $default_base
  --bootstrap-base     build on a base image that is made from Debian's packages, for machines that reach no registry.
                       Needs root and debootstrap; made once, and again with --fresh
  --archive FILE       also save the image as a docker archive, which nodes load without a registry
  --fresh              take nothing from earlier builds, and the newest packages of the distribution

Environment: BASE_IMAGE (as --base-image), COMMIT (what --version names; default: what git says), SOURCE_DATE_EPOCH (the
time of the list of contents; default: that of the commit), http_proxy, https_proxy and no_proxy (for the downloads of
the build).
EOF
}

note() { echo "Image: $*"; }
die() {
  echo "hack/image.sh: $1" >&2
  exit 1
}
wrong_usage() {
  echo "hack/image.sh: $1" >&2
  usage >&2
  exit 2
}
# value FLAG VALUE… — the value of a flag.
value() {
  [[ -n "${2:-}" ]] || wrong_usage "$1 needs a value"
  echo "$2"
}

tag="v$version" builder="" platform="" base="${BASE_IMAGE:-}" bootstrap=0 archive="" fresh=0
while (($#)); do
  case "$1" in
    --bootstrap-base) bootstrap=1 ;;
    --fresh) fresh=1 ;;
    -h | --help)
      usage
      exit 0
      ;;
    --tag)
      tag="$(value "$@")"
      shift
      ;;
    --builder)
      builder="$(value "$@")"
      shift
      ;;
    --platform)
      platform="$(value "$@")"
      shift
      ;;
    --base-image)
      base="$(value "$@")"
      shift
      ;;
    --archive)
      archive="$(value "$@")"
      shift
      ;;
    *) wrong_usage "unknown argument \"$1\"" ;;
  esac
  shift
done
[[ "$tag" =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || wrong_usage "--tag: \"$tag\" cannot be the tag of an image"
((!bootstrap)) || [[ -z "$base" ]] || wrong_usage "--bootstrap-base excludes another base image (--base-image, BASE_IMAGE)"
if [[ -n "$archive" ]]; then
  [[ "$archive" == /* ]] || archive="$called_from/$archive"
  [[ "$archive" != *:* ]] || die "--archive: $archive has a colon, which builders take for the end of the path"
  [[ -d "$(dirname "$archive")" ]] || die "--archive: the folder $(dirname "$archive") does not exist"
fi
readonly reference=docker.io/library/$name:$tag

docker_answers() {
  command -v docker >/dev/null && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

case "$builder" in
  "")
    if docker_answers; then
      builder=docker
    elif command -v buildah >/dev/null; then
      builder=buildah
    elif command -v docker >/dev/null; then
      die "the docker daemon does not answer (see: docker version), and buildah is missing; start the daemon, or: apt-get install buildah"
    else
      die "neither docker nor buildah is there; install one of them, for example with: apt-get install buildah"
    fi
    ;;
  docker) docker_answers || die "docker is missing, or its daemon does not answer; see: docker version" ;;
  buildah) command -v buildah >/dev/null || die "buildah is missing; install it with: apt-get install buildah" ;;
  *) wrong_usage "--builder: expected docker or buildah, found \"$builder\"" ;;
esac

native="$(uname -m)"
case "$native" in
  x86_64) native=amd64 ;;
  aarch64) native=arm64 ;;
esac
foreign=0
[[ -z "$platform" || "$platform/" == "linux/$native/"* ]] || foreign=1
if ((foreign && bootstrap)); then
  die "--bootstrap-base makes a base image for linux/$native only, not for $platform"
fi
# The daemon of docker may have QEMU in a machine of its own; buildah has what this machine has.
if ((foreign)) && [[ "$builder" == buildah ]] && ! compgen -G '/proc/sys/fs/binfmt_misc/qemu-*' >/dev/null; then
  die "building for $platform here needs QEMU: apt-get install qemu-user-static binfmt-support"
fi

work="$(mktemp -d "${TMPDIR:-/var/tmp}/$name.XXXXXX")"
container="" partial=""
cleanup() {
  rm -rf --one-file-system "$work"
  [[ -z "$partial" ]] || rm -f "$partial"
  [[ -z "$container" ]] || buildah rm "$container" >/dev/null 2>&1 || true
}
trap cleanup EXIT

# has_image IMAGE — whether the builder has it, without asking a registry.
has_image() {
  case "$builder" in
    docker) docker image inspect "$1" ;;
    buildah) buildah inspect --type image "$1" ;;
  esac >/dev/null 2>&1
}

# The base image made from packages. Of several runs at once one makes it, and the others wait.
make_base() {
  local cache="${XDG_CACHE_HOME:-$HOME/.cache}/$name" lock
  mkdir -p "$cache"
  exec {lock}>"$cache/image-base.lock"
  flock "$lock"
  if ((fresh)) || ! has_image "$bootstrapped_base"; then
    hack/image-base.sh "$work/base"
    case "$builder" in
      docker) tar --directory "$work/base" --create . | docker import - "$bootstrapped_base" >/dev/null ;;
      buildah)
        container="$(buildah from scratch)"
        buildah copy --quiet "$container" "$work/base" / >/dev/null
        buildah commit --quiet "$container" "$bootstrapped_base" >/dev/null
        ;;
    esac
  fi
  exec {lock}>&-
}

# A local image will do, unless the newest one, or one of another architecture, is asked for.
pull_base() {
  local pull=("$builder" pull --quiet ${platform:+--platform "$platform"} "$base")
  if ((!fresh && !foreign)) && has_image "$base"; then
    return
  fi
  if ! "${pull[@]}" >/dev/null; then
    if ((foreign)) || ! has_image "$base"; then
      die "cannot pull the base image $base; give another image of Debian 12 (--base-image), or make one from Debian's packages (--bootstrap-base)"
    fi
    note "cannot pull $base; building on the one that is here"
  fi
}

if ((bootstrap)); then
  base="$bootstrapped_base"
  make_base
else
  base="${base:-$default_base}"
  pull_base
fi

# The commit, and whether what the image is built from differs from it.
commit="${COMMIT:-}"
if [[ -z "$commit" ]] && commit="$(git rev-parse --short=12 HEAD 2>/dev/null)"; then
  mapfile -t inputs < <(sed -n 's/^!//p' .dockerignore)
  [[ -z "$(git status --porcelain -- Dockerfile .dockerignore "${inputs[@]}")" ]] || commit+=-dirty
fi
commit="${commit:-unknown}"
[[ "$commit" =~ ^[A-Za-z0-9._-]+$ ]] || die "COMMIT: \"$commit\" cannot be the name of a commit"

# So that the same commit makes the same list of contents.
epoch="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
[[ "$epoch" =~ ^[0-9]+$ ]] || die "SOURCE_DATE_EPOCH: \"$epoch\" is no number of seconds"

arguments=(--file Dockerfile --build-arg "BASE_IMAGE=$base" --build-arg "COMMIT=$commit"
  --build-arg "SOURCE_DATE_EPOCH=$epoch" --tag "$reference"
  ${platform:+--platform "$platform"})
((!fresh)) || arguments+=(--no-cache)
note "building $name:$tag with $builder on $base"
SECONDS=0
case "$builder" in
  docker)
    for variable in http_proxy https_proxy no_proxy; do
      [[ -z "${!variable:-}" ]] || arguments+=(--build-arg "$variable=${!variable}")
    done
    DOCKER_BUILDKIT=1 docker build "${arguments[@]}" .
    has_image "$reference" ||
      die "docker has built the image but does not list it, so another builder is selected; see: docker buildx ls"
    image="$reference"
    size="$(docker image ls --format '{{.Size}}' "$image")"
    ;;
  buildah)
    # This isolation needs no OCI runtime and no right to make namespaces, so that it also works in a container.
    buildah bud --layers --isolation "${BUILDAH_ISOLATION:-chroot}" --pull-never --iidfile "$work/id" "${arguments[@]}" .
    image="$(<"$work/id")"
    size="$(buildah images --format '{{.Size}}' "$image" | head -n 1)"
    ;;
esac
seconds=$SECONDS

if [[ -n "$archive" ]]; then
  partial="$archive.partial.$$"
  case "$builder" in
    docker) docker save --output "$partial" "$image" ;;
    buildah) buildah push --quiet "$image" "docker-archive:$partial:$reference" ;;
  esac
  chmod 0644 "$partial"
  mv "$partial" "$archive"
  partial=""
fi

note "$reference, commit $commit, $size unpacked, built in $seconds s"
[[ -z "$archive" ]] || note "saved in $archive ($(du --apparent-size --human-readable "$archive" | cut -f 1))"
echo
echo "To use it:"
file="${archive:-$name.tar}"
[[ -n "$archive" ]] || echo "  an archive of it:        hack/image.sh --tag $tag --archive $file"
case "$builder" in
  docker)
    kind="kind load docker-image $name:$tag"
    push="docker tag $name:$tag REGISTRY/$name:$tag && docker push REGISTRY/$name:$tag"
    ;;
  buildah)
    kind="kind load image-archive $file"
    push="buildah push $reference docker://REGISTRY/$name:$tag"
    ;;
esac
cat <<EOF
  on a kind cluster:       $kind
  on a node (containerd):  ctr --namespace k8s.io images import $file
  in your registry:        $push
EOF
