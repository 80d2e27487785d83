#!/usr/bin/env bats
# Which values the chart takes, and what it says to others.
# shellcheck disable=SC2030,SC2031 # each test has variables of its own

setup() {
  # shellcheck source=test/chart/helpers.bash
  . "$BATS_TEST_DIRNAME/helpers.bash"
}

@test "every values file in ci/ renders" {
  for file in "$CHART"/ci/*.yaml; do
    render --values "$file" >/dev/null
  done
}

@test "a mistyped name is refused, at every depth" {
  refuses "additional properties 'numDevices' not allowed" --set numDevices=3
  refuses "at '/kubeletPlugin': additional properties 'numDevice' not allowed" --set kubeletPlugin.numDevice=3
  refuses "at '/deviceClass': additional properties 'extendedResource' not allowed" --set deviceClass.extendedResource=a/b
  refuses "at '/image': additional properties 'repo' not allowed" --set image.repo=x
  refuses "at '/serviceAccount': additional properties 'created' not allowed" --set serviceAccount.created=false
  refuses "at '/kubeletPlugin/cpu': additional properties 'cpusPerNumaNode' not allowed" --set kubeletPlugin.cpu.cpusPerNumaNode=1
  refuses "at '/kubeletPlugin/containers': additional properties 'plugins' not allowed" --set kubeletPlugin.containers.plugins.x=1
  refuses "at '/kubeletPlugin/containers/plugin': additional properties 'healthCheckPort' not allowed" \
    --set kubeletPlugin.containers.plugin.healthCheckPort=1
  refuses "at '/kubeletPlugin/updateStrategy/rollingUpdate': additional properties 'surge' not allowed" \
    --set kubeletPlugin.updateStrategy.rollingUpdate.surge=1
  refuses "at '/kubeletPlugin/containers/plugin/extraEnv/0': additional properties 'vale' not allowed" \
    --set-json 'kubeletPlugin.containers.plugin.extraEnv=[{"name":"V","vale":"4"}]'
  refuses "at '/webhook/containers/webhook': additional properties 'image' not allowed" --set webhook.containers.webhook.image=x
  refuses "at '/controller': additional properties 'plugin' not allowed" --set controller.plugin=x
  refuses "at '/networkPolicy': additional properties 'enable' not allowed" --set networkPolicy.enable=true
  refuses "at '/resourceQuota': additional properties 'pod' not allowed" --set resourceQuota.pod=1
}

@test "a value of the wrong type or out of range is refused" {
  refuses "at '/kubeletPlugin/numDevices': got string, want integer" --set kubeletPlugin.numDevices=many
  refuses "at '/kubeletPlugin/numDevices': minimum: got -1, want 0" --set kubeletPlugin.numDevices=-1
  refuses "at '/kubeletPlugin/numDevices': maximum: got 10,001, want 10,000" --set kubeletPlugin.numDevices=10001
  refuses "at '/deviceProfile': value must be one of 'gpu', 'cpu', 'net'" --set deviceProfile=foo
  refuses "at '/driverName': 'GPU' does not match pattern" --set driverName=GPU
  refuses "at '/driverName': maxLength: got 64, want 63" --set "driverName=$(printf 'a%.0s' {1..64})"
  refuses "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'" --set image.pullPolicy=Sometimes
  refuses "at '/image/tag': got number, want string" --set-json image.tag=1.5
  refuses "at '/allowDefaultNamespace': got string, want boolean" --set allowDefaultNamespace=yes
  refuses "at '/kubeletPlugin/tolerations': got object, want array" --set kubeletPlugin.tolerations.key=x
  refuses "at '/kubeletPlugin/nodeSelector/gpu': got boolean, want string" --set kubeletPlugin.nodeSelector.gpu=true
  refuses "at '/kubeletPlugin/kubeletPluginsDirectoryPath': 'plugins' does not match pattern" \
    --set kubeletPlugin.kubeletPluginsDirectoryPath=plugins
  refuses "at '/kubeletPlugin/containers/plugin/healthcheckPort': maximum: got 65,536, want 65,535" \
    --set kubeletPlugin.containers.plugin.healthcheckPort=65536
  refuses "at '/kubeletPlugin/priorityClass/value': maximum" --set kubeletPlugin.priorityClass.value=1000000001
  refuses "at '/enabled': value must be true" --set enabled=false
}

@test "options of GPUs are refused where there are none" {
  for profile in cpu net; do
    refuses "kubeletPlugin.gpuPartitions=4 divides GPUs, but deviceProfile=$profile has none." \
      --set "deviceProfile=$profile,kubeletPlugin.gpuPartitions=4"
    refuses "gpuAllowMultipleAllocations=true lets claims share GPUs, but deviceProfile=$profile has none" \
      --set "deviceProfile=$profile,gpuAllowMultipleAllocations=true"
    render --set "deviceProfile=$profile,kubeletPlugin.bindingConditions=true" >/dev/null
  done
  refuses "at '/kubeletPlugin/gpuPartitions': minimum: got -1, want 0" --set kubeletPlugin.gpuPartitions=-1
  refuses "at '/kubeletPlugin/gpuPartitions': maximum: got 101, want 100" --set kubeletPlugin.gpuPartitions=101
  refuses "at '/kubeletPlugin/gpuPartitions': got number, want integer" --set-json kubeletPlugin.gpuPartitions=2.5
  refuses "at '/kubeletPlugin/cpu/numaNodes': minimum: got -1, want 0" --set kubeletPlugin.cpu.numaNodes=-1
}

@test "the namespace default is refused unless it is allowed" {
  refuses "Running in the 'default' namespace is not recommended." --namespace default
  refuses "Set 'allowDefaultNamespace=true' to bypass this error." --namespace default
  render --namespace default --set allowDefaultNamespace=true >/dev/null
  render --namespace default --set namespaceOverride=dra >/dev/null
}

@test "the value namespace is refused" {
  refuses "Value 'namespace' set to foo" --set namespace=foo
  refuses "Use --namespace (with --create-namespace as necessary) instead." --set namespace=foo
}

@test "the image of the reference driver is refused" {
  refuses "image.repository is the image of dra-example-driver, which this chart cannot run." \
    --set image.repository=registry.k8s.io/dra-example-driver/dra-example-driver
}

@test "a PriorityClass is not created under a name that Kubernetes keeps for itself" {
  refuses 'cannot create a PriorityClass named "system-node-critical"' --set kubeletPlugin.priorityClass.create=true
  refuses 'cannot create a PriorityClass named ""' --set kubeletPlugin.priorityClass.create=true,kubeletPlugin.priorityClassName=
}

@test "Kubernetes before 1.34 is refused" {
  refuses "chart requires kubeVersion: >=1.34.0-0 which is incompatible with Kubernetes v1.33.9" --kube-version 1.33.9
  render --kube-version v1.34.2-gke.100 >/dev/null
}

@test "values can be taken away with null" {
  render --set kubeletPlugin.containers.plugin.securityContext=null,kubeletPlugin.updateStrategy=null \
    --set kubeletPlugin.tolerations=null,kubeletPlugin.podLabels=null,selectorLabelsOverride=null >/dev/null
}

@test "it works as a part of another chart" {
  parent="$BATS_TEST_TMPDIR/parent"
  mkdir -p "$parent/charts"
  cp -r "$CHART" "$parent/charts/"
  cat >"$parent/Chart.yaml" <<CHART
apiVersion: v2
name: parent
version: 0.1.0
dependencies:
  - name: dra-driver-sim-gpu
    version: 0.1.0
    condition: dra-driver-sim-gpu.enabled
CHART
  printf 'global: {region: here}\ndra-driver-sim-gpu: {enabled: true}\n' >"$parent/values.yaml"
  CHART="$parent"
  contains "$(render)" "kind: DaemonSet"
  lacks "$(render --set dra-driver-sim-gpu.enabled=false)" "kind: DaemonSet"
}
