#!/usr/bin/env bats
# The driver goes.
bats_require_minimum_version 1.5.0
load lib

setup_file() { ensure_driver; }

@test "helm uninstall leaves nothing in the API" {
  gpu_pod e2e-uninstall user
  running e2e-uninstall user
  delete_namespace e2e-uninstall
  helm uninstall "$RELEASE" --namespace "$RELEASE" --wait --timeout 2m
  local kinds
  kinds="$(kubectl api-resources --verbs list --output name | grep -vE '^(events|leases)' | paste --serial --delimiters ,)"
  equal "$(kubectl get "$kinds" --all-namespaces --selector "app.kubernetes.io/instance=$RELEASE" --ignore-not-found --output name 2>/dev/null)" ""
  # The kubelet waits for half a minute whether the driver comes back.
  eventually 90 prints "" kubectl get resourceslices --field-selector "spec.driver=$DRIVER" --output name
}

@test "on the nodes only the driver's folder with its lock files stays" {
  needs node-exec
  local node
  for node in $(nodes); do
    equal "$(cdi_files "$node")" ""
    equal "$(node_exec "$node" ls -A /var/lib/kubelet/plugins_registry | grep -F "$DRIVER" || true)" ""
    equal "$(node_exec "$node" find "/var/lib/kubelet/plugins/$DRIVER" -type f | sort | xargs -n 1 basename | xargs)" \
      "publish.lock serialize.lock"
  done
}
