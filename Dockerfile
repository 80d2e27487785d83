# The image of dra-driver-sim-gpu. hack/image.sh builds it, with docker (BuildKit) or buildah; by hand:
#
#   docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" --tag dra-driver-sim-gpu:v0.1.0 .
#
# The image has one program and nothing that it does not need: the stripped dra-sim-gpu, the shared libraries that it is
# linked with, CA certificates, the licences of all of them, and a list of them (SPDX). There is no shell and no package
# manager in it. Nothing here depends on the architecture: the image is for that of the platform which it is built on or for.

# Debian 12, under whatever name it can be had.
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src

# The libraries of this stage go into the image: with the newest fixes, however old the base image is.
COPY hack/install-deps.sh hack/
RUN hack/install-deps.sh --build \
  && DEBIAN_FRONTEND=noninteractive apt-get upgrade -q -y \
  && apt-get clean \
  && rm -rf /var/lib/apt/lists/*

COPY . .
ARG COMMIT=unknown
# Warnings of a compiler newer than the one that CI uses are no reason to have no image.
RUN --mount=type=cache,id=dra-driver-sim-gpu-ccache,target=/root/.cache/ccache \
  cmake --preset release -DSIMGPU_BUILD_TESTS=OFF -DSIMGPU_WERROR=OFF -DSIMGPU_COMMIT="${COMMIT}" \
  && hack/build.sh release dra-sim-gpu \
  && DESTDIR=/image cmake --install build/release --strip --prefix /usr

# Must be the version of CMakeLists.txt; the next step checks it.
ARG VERSION=0.1.0
# The time that the list of contents (SBOM) gives as its own.
ARG SOURCE_DATE_EPOCH=0
RUN hack/check-hardening.sh /image/usr/bin/dra-sim-gpu build/release/compile_commands.json \
  && hack/image-root.sh /image \
  && chroot /image dra-sim-gpu --version | grep -Fx "dra-sim-gpu ${VERSION} (commit ${COMMIT})"

FROM scratch
ARG VERSION=0.1.0
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="dra-driver-sim-gpu" \
      org.opencontainers.image.description="Kubernetes DRA driver for simulated GPUs" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image /
ENV PATH=/usr/bin
# Root, for the kubelet's directories and that of the CDI specs belong to it. No capability is needed.
USER 0
ENTRYPOINT ["dra-sim-gpu"]
