#!/usr/bin/env bats
# Each manifest of deploy/examples/, with the chart's defaults: what it shows, and that it cleans up.
bats_require_minimum_version 1.5.0
load lib

teardown() { clean_up_example; }

# distinct NAMESPACE POD POD — two pods have different GPUs: of one node, or each of its own.
distinct() {
  [[ "$(node_of "$2" "$1")/$(gpus "$1" "$2")" != "$(node_of "$3" "$1")/$(gpus "$1" "$3")" ]]
}

@test "one-gpu: each pod has a GPU of its own" {
  example one-gpu
  all_running one-gpu
  equal "$(gpus one-gpu pod0 | wc -l)" 1
  equal "$(gpus one-gpu pod1 | wc -l)" 1
  distinct one-gpu pod0 pod1
}

@test "several-gpus: one request has two GPUs" {
  example several-gpus
  all_running several-gpus
  equal "$(gpus several-gpus pod0 | uniq | wc -l)" 2
}

@test "several-requests: a container gets all GPUs of the claim, or that of one request" {
  example several-requests
  all_running several-requests
  equal "$(gpus several-requests pod0 ctr0 | uniq | wc -l)" 2
  equal "$(gpus several-requests pod0 ctr1 | wc -l)" 1
  contains "$(gpus several-requests pod0 ctr0)" "$(gpus several-requests pod0 ctr1)"
}

@test "all-gpus: a pod has every GPU of a node" {
  example all-gpus
  all_running all-gpus
  equal "$(gpus all-gpus pod0 | wc -l)" 8
}

@test "shared-by-containers: two containers have the same GPU" {
  example shared-by-containers
  all_running shared-by-containers
  equal "$(gpus shared-by-containers pod0 ctr0 | wc -l)" 1
  equal "$(gpus shared-by-containers pod0 ctr0)" "$(gpus shared-by-containers pod0 ctr1)"
  equal "$(variable 'GPU_DEVICE_*_SHARING_STRATEGY' shared-by-containers pod0 ctr0)" TimeSlicing
}

@test "shared-with-init-container: init container and container have the same GPU" {
  example shared-with-init-container
  all_running shared-with-init-container
  equal "$(gpus shared-with-init-container pod0 init0 | wc -l)" 1
  equal "$(gpus shared-with-init-container pod0 init0)" "$(gpus shared-with-init-container pod0 ctr0)"
}

@test "shared-by-pods: two pods have the same GPU" {
  example shared-by-pods
  all_running shared-by-pods
  equal "$(gpus shared-by-pods pod0 | wc -l)" 1
  equal "$(gpus shared-by-pods pod0)" "$(gpus shared-by-pods pod1)"
  equal "$(node_of pod0 shared-by-pods)" "$(node_of pod1 shared-by-pods)"
}

@test "standalone-claim: the claim outlives the pod, and is free then" {
  example standalone-claim
  all_running standalone-claim
  equal "$(gpus standalone-claim pod0 | wc -l)" 1
  kubectl --namespace standalone-claim delete pod pod0 --timeout 60s
  eventually 30 prints pending claim_state standalone-claim gpu
}

@test "cel-selector: the GPU that the expressions describe" {
  example cel-selector
  all_running cel-selector
  equal "$(gpus cel-selector pod0)" gpu-3
}

@test "first-available: the second alternative, with its configuration" {
  example first-available
  all_running first-available
  equal "$(kubectl --namespace first-available get resourceclaims --output jsonpath='{.items[*].status.allocation.devices.results[*].request}')" gpu/standard
  equal "$(variable 'GPU_DEVICE_*_TIMESLICE_INTERVAL' first-available pod0)" Short
}

@test "opaque-config: one GPU shared in time, one divided in space" {
  example opaque-config
  all_running opaque-config
  equal "$(variable 'GPU_DEVICE_*_TIMESLICE_INTERVAL' opaque-config pod0 ctr0)" Long
  equal "$(variable 'GPU_DEVICE_*_SHARING_STRATEGY' opaque-config pod0 ctr1)" SpacePartitioning
  equal "$(variable 'GPU_DEVICE_*_PARTITION_COUNT' opaque-config pod0 ctr1)" 10
}

@test "class-config: the class configures, and the claim replaces that" {
  example class-config
  all_running class-config
  equal "$(variable 'GPU_DEVICE_*_PARTITION_COUNT' class-config pod0)" 4
  equal "$(variable 'GPU_DEVICE_*_TIMESLICE_INTERVAL' class-config pod1)" Medium
}

@test "extended-resource: GPUs from the limits of containers, by both kinds of names" {
  needs_kubernetes 1.36
  example extended-resource
  all_running extended-resource
  equal "$(gpus extended-resource pod0 | wc -l)" 1
  equal "$(gpus extended-resource pod1 | wc -l)" 1
  equal "$(kubectl --namespace extended-resource get pods --output json |
    jq -r '.items[].status.extendedResourceClaimStatus.requestMappings[].resourceName' | sort | xargs)" \
    "deviceclass.resource.kubernetes.io/gpu.example.com example.com/gpu"
}

@test "admin-access: all GPUs, also those in use, and their users keep them" {
  example admin-access
  all_running admin-access
  equal "$(gpus admin-access pod1 | wc -l)" 8
  equal "$(variable DRA_ADMIN_ACCESS admin-access pod1)" true
  equal "$(gpus admin-access pod0 | wc -l)" 1
}

@test "job: each of four pods has a GPU" {
  example job
  kubectl --namespace job wait --for condition=complete job/job --timeout 120s
  equal "$(kubectl --namespace job logs --selector batch.kubernetes.io/job-name=job --tail -1 | grep -c '=gpu-')" 4
}

@test "deployment: a replica more is a GPU more" {
  example deployment
  kubectl --namespace deployment rollout status deployment/deployment --timeout 120s
  kubectl --namespace deployment scale deployment/deployment --replicas 3
  kubectl --namespace deployment rollout status deployment/deployment --timeout 120s
  equal "$(kubectl --namespace deployment get resourceclaims --no-headers | grep -c allocated,reserved)" 3
}

@test "every example is shown by a test" {
  local file
  for file in "$ROOT"/deploy/examples/*.yaml; do
    grep -qE "^ *example $(basename "$file" .yaml)( |\$)" "$E2E"/*.bats || {
      echo "no test uses $file" >&2
      return 1
    }
  done
}
