# The cluster of the current kubeconfig. It must know the image, and is left without what the tests install; they cannot stop
# its nodes. The contract is in README.md.
# shellcheck shell=bash

provider_check() {
  local tool
  for tool in kubectl helm; do
    command -v "$tool" >/dev/null || {
      echo "the provider existing needs $tool: $([[ $tool == helm ]] && echo https://helm.sh/docs/intro/install || echo https://kubernetes.io/docs/tasks/tools)" >&2
      return 1
    }
  done
  kubectl get --raw /readyz --request-timeout 10s >/dev/null || {
    echo "the cluster of the current kubeconfig ($(kubectl config current-context 2>/dev/null || echo "no context")) does not answer" >&2
    return 1
  }
  [[ -n "${E2E_IMAGE_GIVEN:-}" ]] || {
    echo "the provider existing cannot load an image; name one that the nodes have or can pull: --image REPOSITORY:TAG" >&2
    return 1
  }
  if kubectl get deviceclass gpu.example.com >/dev/null 2>&1; then
    echo "the cluster has a DeviceClass gpu.example.com already: remove the driver that belongs to it first" >&2
    return 1
  fi
}

provider_up() { :; }
provider_load() { :; }
provider_down() {
  helm uninstall sim-gpu --namespace sim-gpu --ignore-not-found --wait --timeout 2m
  kubectl delete namespace sim-gpu --ignore-not-found --timeout 2m
}
provider_logs() { :; }
provider_can() { return 1; }
