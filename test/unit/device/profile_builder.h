#pragma once

#include <string>

#include "fakes/result_matchers.h"
#include "simgpu/device/profile.h"

namespace simgpu::device {

inline NodeContext node0() {
  return {.nodeName = "node0", .driverName = "gpu.example.com", .numDevices = {}};
}

inline Profile gpuProfile() {
  auto profile = Profile::embedded("gpu");
  EXPECT_OK(profile);
  return *profile;
}

/// Replaces the first `from`, which must be there, by `to`.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
  auto place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

/// A profile that uses each field once.
inline std::string fullProfile() {
  return R"(apiVersion: simgpu/v1alpha1
kind: DeviceProfile
name: nic
class: net
driverName: net.example.com
env:
  - {name: NODE, value: "${node.name}"}
devices:
  - kind: nic
    name: nic-${index}
    count: 2
    countFrom: num-devices
    attributes:
      speed: {int: 100}
      rdma: {bool: true}
      model: {string: "NIC ${index}"}
      firmware: {version: 1.2.3}
    capacity:
      bandwidth: 100G
    allowMultipleAllocations: true
    parameters: GpuConfig
    env:
      - {name: "NIC_${ID}", value: "${name}"}
      - {name: "NIC_${ID}_RATE", value: "${consumed.bandwidth}"}
)";
}

}  // namespace simgpu::device
