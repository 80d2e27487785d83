#!/usr/bin/env bats
# The objects of the controller.
# shellcheck disable=SC2030,SC2031 # each test has variables of its own

setup() {
  # shellcheck source=test/chart/helpers.bash
  . "$BATS_TEST_DIRNAME/helpers.bash"
}

# on COMMAND ARGUMENT... — with the controller.
on() {
  "$@" --set 'controller.plugins={BindingConditions}'
}

@test "the controller is not there unless a plugin is asked for" {
  lacks "$(render)" controller
}

@test "a plugin that does not exist is refused" {
  refuses "at '/controller/plugins/0': value must be 'BindingConditions'" --set 'controller.plugins={Foo}'
}

@test "a pattern of devices without a device is refused" {
  refuses "at '/controller/failDevices/0': 'node/' does not match pattern" --set 'controller.failDevices={node/}'
}

@test "its Deployment has the name of the reference chart, and an account of its own" {
  all="$(named "$(on render --no-hooks)")"
  same "$(grep controller <<<"$all")" "\
ClusterRole/sim-dra-driver-sim-gpu-controller-role
ClusterRoleBinding/sim-dra-driver-sim-gpu-controller-role-binding
Deployment/sim-dra-driver-sim-gpu-controller
ServiceAccount/sim-dra-driver-sim-gpu-controller-service-account"
}

@test "its arguments are those of the reference chart, and ours" {
  deployment="$(on show controller-deployment --set driverName=my.example.com --set 'controller.failDevices={gpu-1,node-*/gpu-2}')"
  contains "$deployment" '
          command: [dra-sim-gpu, controller]
          args:
            - --driver-name=my.example.com
            - --enable-plugin=BindingConditions
            - "--fail-devices=gpu-1"
            - "--fail-devices=node-*/gpu-2"
            - --metrics-port=8080
'
  contains "$deployment" "
  replicas: 1
"
  contains "$deployment" "
        app.kubernetes.io/component: controller
"
  contains "$deployment" "priorityClassName: system-cluster-critical"
}

@test "it may patch the status of the driver's devices on any node, and read claims, and nothing else" {
  same "$(on show controller-clusterrole | grep -E 'resources:|resourceNames:|verbs:|apiGroups:' | sed 's/^ *-* *//')" 'apiGroups: [resource.k8s.io]
resources: [resourceclaims]
verbs: [list, watch]
apiGroups: [resource.k8s.io]
resources: [resourceclaims/status]
verbs: [patch]
apiGroups: [resource.k8s.io]
resources: [resourceclaims/driver]
resourceNames: ["gpu.example.com"]
verbs: ["arbitrary-node:patch"]'
}

@test "the role is given to the account that the Deployment uses" {
  # Arguments, then the account that they lead to.
  while IFS='|' read -r arguments account; do
    # shellcheck disable=SC2086 # several words
    contains "$(on show controller-deployment $arguments)" "
      serviceAccountName: $account
"
    # shellcheck disable=SC2086
    contains "$(on show controller-clusterrole $arguments)" "
    name: $account
    namespace: dra
"
  done <<'CASES'
|sim-dra-driver-sim-gpu-controller-service-account
--set controller.serviceAccount.name=mine|mine
--set controller.serviceAccount.create=false|default
--set controller.serviceAccount.create=false,controller.serviceAccount.name=theirs|theirs
CASES
}

@test "it runs without root and without privileges" {
  deployment="$(on show controller-deployment)"
  contains "$deployment" "runAsNonRoot: true"
  contains "$deployment" "privileged: false"
  contains "$deployment" "readOnlyRootFilesystem: true"
  lacks "$deployment" hostPath
}

@test "without a port there are no probes" {
  deployment="$(on show controller-deployment --set controller.containers.controller.metricsPort=-1)"
  lacks "$deployment" Probe
  lacks "$deployment" "ports:"
  contains "$deployment" "metrics-port=-1"
}

@test "the network policy lets it call the API server only" {
  policy="$(on show networkpolicy --set networkPolicy.enabled=true)"
  contains "$policy" "
      app.kubernetes.io/component: controller
"
}
