#!/usr/bin/env bats
# What the chart renders.
# shellcheck disable=SC2030,SC2031 # each test has variables of its own

setup() {
  # shellcheck source=test/chart/helpers.bash
  . "$BATS_TEST_DIRNAME/helpers.bash"
}

@test "names follow the rules of the reference chart" {
  same "$(named "$(render --no-hooks)")" "\
ClusterRole/sim-dra-driver-sim-gpu-role
ClusterRoleBinding/sim-dra-driver-sim-gpu-role-binding
DaemonSet/sim-dra-driver-sim-gpu-kubeletplugin
DeviceClass/gpu.example.com
Service/sim-dra-driver-sim-gpu-kubeletplugin-metrics
ServiceAccount/sim-dra-driver-sim-gpu-service-account
ValidatingAdmissionPolicy/resourceslices-policy-sim-dra-driver-sim-gpu
ValidatingAdmissionPolicyBinding/resourceslices-policy-sim-dra-driver-sim-gpu"
}

@test "optional objects are there when asked for" {
  same "$(named "$(render --no-hooks --values "$CHART/ci/everything-values.yaml")")" "\
ClusterRole/my-gpus-controller-role
ClusterRole/my-gpus-role
ClusterRoleBinding/my-gpus-controller-role-binding
ClusterRoleBinding/my-gpus-role-binding
DaemonSet/my-gpus-kubeletplugin
Deployment/my-gpus-controller
Deployment/my-gpus-webhook
DeviceClass/my-gpus.example.com
NetworkPolicy/my-gpus-controller
NetworkPolicy/my-gpus-kubeletplugin
NetworkPolicy/my-gpus-webhook
PriorityClass/my-drivers
ResourceQuota/my-gpus-resourcequota
Service/my-gpus-kubeletplugin-metrics
Service/my-gpus-webhook
ServiceAccount/my-account
ServiceAccount/my-controller-account
ServiceAccount/my-webhook-account
ValidatingAdmissionPolicy/resourceslices-policy-my-gpus
ValidatingAdmissionPolicyBinding/resourceslices-policy-my-gpus
ValidatingWebhookConfiguration/my-gpus-webhook-config"
}

@test "two releases with different driver names have no object in common" {
  one="$(named "$(render)")"
  other="$(named "$(render --name-template other --set driverName=other.example.com)")"
  same "$(comm -12 <(echo "$one") <(echo "$other"))" ""
}

@test "the environment is that of the reference chart, in its order" {
  same "$(show daemonset | awk '/^ +env:/ { on = 1 } /volumeMounts:/ { on = 0 } on && /- name:/ { print $3 }')" "\
DRIVER_NAME
DEVICE_PROFILE
CDI_ROOT
KUBELET_REGISTRAR_DIRECTORY_PATH
KUBELET_PLUGINS_DIRECTORY_PATH
NODE_NAME
NAMESPACE
NUM_DEVICES
GPU_DEVICE_STATUS
GPU_ALLOW_MULTIPLE_ALLOCATIONS
HEALTHCHECK_PORT
METRICS_PORT
GPU_PARTITIONS
CPU_NUMA_NODES
CPUS_PER_NUMA_NODE
POD_UID
BINDING_CONDITIONS"
}

@test "the Service of the metrics means their port in the pods" {
  contains "$(show daemonset)" "
          ports:
            - name: metrics
              containerPort: 8080
              protocol: TCP
"
  contains "$(show daemonset)" '
            - name: METRICS_PORT
              value: "8080"
'
  service="$(show metricsservice --set kubeletPlugin.containers.plugin.metricsPort=9100)"
  contains "$service" "
  selector:
    app.kubernetes.io/component: kubeletplugin
    app.kubernetes.io/instance: sim
    app.kubernetes.io/name: dra-driver-sim-gpu
  ports:
    - name: metrics
      port: 9100
      protocol: TCP
      targetPort: metrics"
}

@test "without a port there are no metrics and no Service" {
  for port in 0 -1; do
    objects="$(render --set "kubeletPlugin.containers.plugin.metricsPort=$port")"
    lacks "$objects" "METRICS_PORT
              value"
    lacks "$objects" "name: metrics"
    lacks "$objects" "kind: Service
"
  done
}

@test "device metadata is switched on by its value, and only then mentioned" {
  lacks "$(show daemonset)" "DEVICE_METADATA"
  contains "$(show daemonset --set kubeletPlugin.deviceMetadata=true)" '- name: DEVICE_METADATA
              value: "true"'
}

@test "further environment variables come last" {
  contains "$(show daemonset --set-json 'kubeletPlugin.containers.plugin.extraEnv=[{"name":"V","value":"4"}]')" '
            - name: BINDING_CONDITIONS
              value: "false"
            - name: V
              value: "4"
          volumeMounts:'
}

@test "nothing is privileged, and only three directories of the node are mounted" {
  daemon_set="$(show daemonset)"
  contains "$daemon_set" "
          securityContext:
            allowPrivilegeEscalation: false
            capabilities:
              drop:
              - ALL
            privileged: false
            readOnlyRootFilesystem: true
            runAsUser: 0
            seLinuxOptions:
              type: spc_t
            seccompProfile:
              type: RuntimeDefault
"
  same "$(grep -A 1 hostPath: <<<"$daemon_set" | awk '/path:/ { print $2 }')" '"/var/lib/kubelet/plugins_registry"
"/var/lib/kubelet/plugins"
/var/run/cdi'
}

@test "a values file that says privileged still gets it, in a form that Kubernetes takes" {
  daemon_set="$(show daemonset --values "$CHART/ci/reference-values.yaml")"
  contains "$daemon_set" "privileged: true"
  lacks "$daemon_set" "allowPrivilegeEscalation"
}

@test "without a health port there are no probes" {
  daemon_set="$(show daemonset --set kubeletPlugin.containers.plugin.healthcheckPort=-1)"
  lacks "$daemon_set" "Probe:"
  lacks "$daemon_set" "HEALTHCHECK_PORT"
}

@test "role binding, admission policy and DaemonSet mean the same account" {
  # Arguments, then the account that they lead to.
  while IFS='|' read -r arguments account; do
    # shellcheck disable=SC2086 # several words
    contains "$(show daemonset $arguments)" "
      serviceAccountName: $account
"
    # shellcheck disable=SC2086
    contains "$(show validatingadmissionpolicy $arguments)" "'system:serviceaccount:dra:$account'"
    # shellcheck disable=SC2086
    contains "$(show clusterrolebinding $arguments)" "
    name: $account
    namespace: dra
"
  done <<'CASES'
|sim-dra-driver-sim-gpu-service-account
--set serviceAccount.name=mine|mine
--set serviceAccount.create=false|default
--set serviceAccount.create=false,serviceAccount.name=theirs|theirs
CASES
}

@test "an account is only created if asked for" {
  lacks "$(render --set serviceAccount.create=false)" "kind: ServiceAccount
metadata"
}

@test "namespaceOverride moves everything" {
  everything="$(render --set namespaceOverride=elsewhere,networkPolicy.enabled=true,resourceQuota.enabled=true)"
  lacks "$everything" "namespace: dra"
  contains "$everything" "'system:serviceaccount:elsewhere:sim-dra-driver-sim-gpu-service-account'"
}

@test "selected labels are on the pods, and no label is there twice" {
  daemon_set="$(show daemonset --set 'selectorLabelsOverride.app\.kubernetes\.io/name=mine,kubeletPlugin.podLabels.team=a')"
  contains "$daemon_set" "
    matchLabels:
      app.kubernetes.io/component: kubeletplugin
      app.kubernetes.io/name: mine
"
  contains "$daemon_set" "
      labels:
        app.kubernetes.io/component: kubeletplugin
        app.kubernetes.io/instance: sim
        app.kubernetes.io/name: mine
        team: a
"
}

@test "the role has no rights on the status of claims as long as none is written" {
  lacks "$(show clusterrole)" "resourceclaims/"
}

@test "the role may list claims only if asked for" {
  lacks "$(show clusterrole)" "[get, list]"
  contains "$(show clusterrole --set kubeletPlugin.listClaims=true)" "resources: [resourceclaims]
    # Listed only after CDI specs were deleted while the driver did not run.
    verbs: [get, list]"
}

@test "with device status, the driver is told, and may patch the status of its devices on its node" {
  contains "$(show daemonset --set gpuDeviceStatus=true)" '
            - name: GPU_DEVICE_STATUS
              value: "true"'
  role="$(show clusterrole --set gpuDeviceStatus=true)"
  contains "$role" "
    resources: [resourceclaims/status]
    verbs: [patch]"
  contains "$role" "
    resources: [resourceclaims/driver]
    resourceNames: [\"gpu.example.com\"]
    verbs: [\"associated-node:patch\"]"
  lacks "$role" "arbitrary-node"
}

@test "the notes tell the next command" {
  # Without a cluster, helm shows notes to nobody: let the chart render them as an object.
  cp -r "$CHART" "$BATS_TEST_TMPDIR/chart"
  CHART="$BATS_TEST_TMPDIR/chart"
  mv "$CHART/templates/NOTES.txt" "$CHART/notes.txt"
  echo 'notes: {{ tpl (.Files.Get "notes.txt") . | quote }}' >"$CHART/templates/notes.yaml"
  notes="$(show notes)"
  contains "$notes" "kubectl --namespace dra rollout status daemonset/sim-dra-driver-sim-gpu-kubeletplugin"
  contains "$notes" "kubectl get resourceslices --field-selector spec.driver=gpu.example.com"
  contains "$notes" "helm test sim --namespace dra"
  contains "$notes" "kubectl label namespace dra pod-security.kubernetes.io/enforce=privileged"
}
