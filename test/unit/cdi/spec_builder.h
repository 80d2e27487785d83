#pragma once

#include "simgpu/cdi/spec.h"

namespace simgpu::cdi {

inline constexpr const char* kUid = "303b27ee-5d0c-4e4f-a6e4-6d1f8c6f5a11";

/// The spec of a claim with one GPU, as this driver writes it.
inline Spec claimSpec() {
  Spec spec;
  spec.kind = "k8s.gpu.example.com/gpu";
  spec.annotations = {{"gpu.example.com/claim", R"({"name":"train","namespace":"team-a"})"},
                      {"gpu.example.com/version", "1"}};
  spec.edits.env = {"KUBERNETES_NODE_NAME=node0", "DRA_RESOURCE_DRIVER_NAME=gpu.example.com"};
  Device device;
  device.name = std::string(kUid) + "-gpu-5";
  device.edits.env = {std::string("GPU_DEVICE_GPU_5_RESOURCE_CLAIM=") + kUid, "DRA_ADMIN_ACCESS=false",
                      "GPU_DEVICE_5=gpu-5", "GPU_DEVICE_5_SHARING_STRATEGY=TimeSlicing",
                      "GPU_DEVICE_5_TIMESLICE_INTERVAL=Default"};
  spec.devices.push_back(device);
  return spec;
}

/// The smallest spec that is valid.
inline Spec smallSpec(std::string name = "common", std::string entry = "A=b") {
  return {.kind = "v/c", .annotations = {}, .devices = {{std::move(name), {{std::move(entry)}}}}, .edits = {}};
}

}  // namespace simgpu::cdi
