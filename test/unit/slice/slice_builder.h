#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "simgpu/device/inventory.h"
#include "simgpu/slice/plan.h"

namespace simgpu::slice {

inline constexpr const char* kDriver = "gpu.example.com";

/// The built-in profile `gpu` on a node.
inline device::Inventory gpus(std::size_t count, const std::string& node = "node-a") {
  auto profile = device::Profile::embedded("gpu");
  auto inventory = profile ? device::Inventory::create(*std::move(profile),
                                                       {.nodeName = node, .driverName = kDriver, .numDevices = count})
                           : Result<device::Inventory>(unexpected(profile.error()));
  if (!inventory) {
    throw std::runtime_error(inventory.error().toString());
  }
  return *std::move(inventory);
}

/// A plan with its owner, as `step` wants it.
inline std::vector<kube::ResourceSlice> desired(std::size_t devices) {
  auto slices = plan(gpus(devices)).slices;
  for (kube::ResourceSlice& slice : slices) {
    slice.metadata.ownerReferences = {
        {.apiVersion = "v1", .kind = "Node", .name = "node-a", .uid = "node-uid", .controller = true}};
  }
  return slices;
}

/// The slices of a plan as the server would hold them.
inline std::vector<kube::ResourceSlice> stored(std::vector<kube::ResourceSlice> slices, std::int64_t generation) {
  for (std::size_t i = 0; i < slices.size(); ++i) {
    slices[i].metadata.generateName = generateName(i, slices[i]);
    slices[i].metadata.name = slices[i].metadata.generateName + "abcde";
    slices[i].metadata.uid = "uid-" + std::to_string(i);
    slices[i].metadata.resourceVersion = std::to_string(100 + i);
    slices[i].pool.generation = generation;
  }
  return slices;
}

}  // namespace simgpu::slice
