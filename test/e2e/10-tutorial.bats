#!/usr/bin/env bats
# Module 4 of a DRA tutorial, step by step, with its manifests; only the image of the driver is another one. The tests build
# on each other, like the steps of the tutorial.
bats_require_minimum_version 1.5.0
load lib

MANIFESTS="$E2E/tutorial"
NAMESPACE=dra-tutorial

setup_file() {
  kubectl create namespace "$NAMESPACE" >/dev/null
  kubectl label namespace "$NAMESPACE" pod-security.kubernetes.io/enforce=privileged >/dev/null
}

teardown() { [[ -n "$BATS_TEST_COMPLETED" || -n "$BATS_TEST_SKIPPED" ]] || explain "$NAMESPACE"; }

teardown_file() {
  delete_namespace "$NAMESPACE"
  kubectl delete --ignore-not-found --filename "$MANIFESTS/deviceclass.yaml" --filename "$MANIFESTS/priorityclass.yaml" \
    --filename "$MANIFESTS/rbac.yaml" >/dev/null
  kubectl wait --for delete "namespace/$NAMESPACE" --timeout 120s >/dev/null
}

in_pod() { kubectl --namespace "$NAMESPACE" exec "$1" -- env; }

@test "the driver is deployed as a DaemonSet with the tutorial's rights" {
  apply "$MANIFESTS/deviceclass.yaml"
  apply "$MANIFESTS/rbac.yaml"
  apply "$MANIFESTS/priorityclass.yaml"
  apply "$MANIFESTS/dra-driver-daemonset.yaml"
  kubectl --namespace "$NAMESPACE" rollout status daemonset/dra-example-driver-kubeletplugin --timeout 120s
}

@test "each node has one ResourceSlice with nine GPUs of 80 GiB" {
  eventually 30 offers_on_every_node "$DRIVER"
  local node slices
  for node in $(nodes); do
    slices="$(kubectl get resourceslices --field-selector "spec.nodeName=$node,spec.driver=$DRIVER" --output json)"
    equal "$(jq -c '[.items[].spec.pool]' <<<"$slices")" "[{\"generation\":1,\"name\":\"$node\",\"resourceSliceCount\":1}]"
    equal "$(jq -r '.items[].spec.devices[].name' <<<"$slices" | xargs)" "gpu-0 gpu-1 gpu-2 gpu-3 gpu-4 gpu-5 gpu-6 gpu-7 gpu-8"
    equal "$(jq -r '[.items[].spec.devices[].capacity.memory.value] | unique[]' <<<"$slices")" 80Gi
    equal "$(jq -r '[.items[].spec.devices[].attributes.model.string] | unique[]' <<<"$slices")" LATEST-GPU-MODEL
    equal "$(jq '[.items[].spec.devices[].attributes.uuid.string] | unique | length' <<<"$slices")" 9
    equal "$(jq -r '.items[].metadata.ownerReferences[] | .kind + "/" + .name' <<<"$slices")" "Node/$node"
  done
}

@test "a ResourceClaim that no pod uses is pending" {
  apply "$MANIFESTS/resourceclaim.yaml"
  prints pending claim_state "$NAMESPACE" example-resource-claim
}

@test "a pod with the claim runs, and the claim is allocated and reserved for it" {
  apply "$MANIFESTS/pod.yaml"
  running "$NAMESPACE" ollama
  prints allocated,reserved claim_state "$NAMESPACE" example-resource-claim
}

@test "the container has the environment that the tutorial shows" {
  local claim gpu environment
  claim="$(kubectl --namespace "$NAMESPACE" get resourceclaim example-resource-claim --output json)"
  gpu="$(jq -r '.status.allocation.devices.results[0].device' <<<"$claim")"
  equal "$(jq -r '.status.allocation.devices.results[0].request' <<<"$claim")" example-gpu
  environment="$(in_pod ollama)"
  contains "$environment" "KUBERNETES_NODE_NAME=$(node_of ollama "$NAMESPACE")"
  contains "$environment" "DRA_RESOURCE_DRIVER_NAME=gpu.example.com"
  contains "$environment" "GPU_DEVICE_${gpu#gpu-}_RESOURCE_CLAIM=$(jq -r .metadata.uid <<<"$claim")"
  contains "$environment" "GPU_DEVICE_${gpu#gpu-}=$gpu"
  contains "$environment" "GPU_DEVICE_${gpu#gpu-}_SHARING_STRATEGY=TimeSlicing"
  contains "$environment" "GPU_DEVICE_${gpu#gpu-}_TIMESLICE_INTERVAL=Default"
  equal "$(grep -c '=gpu-' <<<"$environment")" 1
}

@test "the driver's log tells of the claim" {
  local claim log
  claim="$(kubectl --namespace "$NAMESPACE" get resourceclaim example-resource-claim --output jsonpath='{.metadata.uid}')"
  log="$(kubectl --namespace "$NAMESPACE" logs --selector app.kubernetes.io/name=dra-example-driver --tail -1)"
  contains "$log" "PrepareResourceClaims is called"
  contains "$log" "Returning newly prepared devices for claim '$claim'"
}

@test "a second pod with the same claim shares its GPU" {
  apply "$MANIFESTS/pod2.yaml"
  running "$NAMESPACE" ollama2
  equal "$(in_pod ollama2 | grep GPU_DEVICE | sort)" "$(in_pod ollama | grep GPU_DEVICE | sort)"
}

@test "when both pods are gone the claim is pending again" {
  kubectl --namespace "$NAMESPACE" delete pod ollama ollama2 --timeout 60s
  eventually 30 prints pending claim_state "$NAMESPACE" example-resource-claim
}

@test "the pods of a Job have a claim, and a GPU, each" {
  apply "$MANIFESTS/resourceclaimtemplate.yaml"
  apply "$MANIFESTS/job.yaml"
  running_pods() {
    kubectl --namespace "$NAMESPACE" get pods --selector batch.kubernetes.io/job-name=dra-job \
      --field-selector status.phase=Running --no-headers | wc -l
  }
  eventually 60 prints 2 running_pods
  local pod claims="" found
  for pod in $(kubectl --namespace "$NAMESPACE" get pods --selector batch.kubernetes.io/job-name=dra-job --output name); do
    found="$(kubectl --namespace "$NAMESPACE" logs "$pod" | sed -nE 's/^GPU_DEVICE_[0-9]_RESOURCE_CLAIM=(.*)/\1/p')"
    [[ "$found" =~ ^[0-9a-f-]{36}$ ]]
    claims+="$found "
  done
  equal "$(tr ' ' '\n' <<<"$claims" | grep -c .)" 2
  equal "$(tr ' ' '\n' <<<"$claims" | grep . | sort --unique | wc -l)" 2
  equal "$(kubectl --namespace "$NAMESPACE" get resourceclaims --output json |
    jq -r '[.items[].status.allocation.devices.results[]?.request] | unique[]')" req-0/80gi-gpu
  # Its pods would not end before the 30 seconds that they are given.
  kubectl --namespace "$NAMESPACE" delete job dra-job --cascade=orphan
  kubectl --namespace "$NAMESPACE" delete pods --selector batch.kubernetes.io/job-name=dra-job --grace-period 1 --timeout 60s
}

@test "a pod that asks for nine GPUs has the environment of nine GPUs" {
  gpu_pod "$NAMESPACE" nine-gpus 9
  running "$NAMESPACE" nine-gpus
  equal "$(gpus "$NAMESPACE" nine-gpus | xargs)" "gpu-0 gpu-1 gpu-2 gpu-3 gpu-4 gpu-5 gpu-6 gpu-7 gpu-8"
  local claim expected="" i
  claim="$(claim_of "$NAMESPACE" nine-gpus)"
  for i in {0..8}; do
    expected+="GPU_DEVICE_$i=gpu-$i
GPU_DEVICE_${i}_RESOURCE_CLAIM=$claim
GPU_DEVICE_${i}_SHARING_STRATEGY=TimeSlicing
GPU_DEVICE_${i}_TIMESLICE_INTERVAL=Default
"
  done
  for i in {0..8}; do
    expected+="GPU_DEVICE_GPU_${i}_RESOURCE_CLAIM=$claim
"
  done
  equal "$(variables "$NAMESPACE" nine-gpus | grep ^GPU_DEVICE)" "${expected%$'\n'}"
}

@test "the driver did all of this without a complaint" {
  local pod
  for pod in $(kubectl --namespace "$NAMESPACE" get pods --selector app.kubernetes.io/name=dra-example-driver --output name); do
    equal "$(kubectl --namespace "$NAMESPACE" logs "$pod" | grep -E '^E' || true)" ""
  done
}
