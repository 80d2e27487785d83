#pragma once

#include <vector>

#include "simgpu/device/inventory.h"
#include "simgpu/kube/types.h"

namespace simgpu::claim {

/// What the driver says about the devices of an allocation in `status.devices`: their attributes `driverVersion`,
/// `model` and `uuid`, as far as they have them, in the form of the reference driver
/// (`{"driverVersion":{"version":"1.0.0"},"model":{"string":"…"},"uuid":{"string":"…"}}`). Results of other drivers,
/// and devices that have none of these attributes, are left out; a device that two requests have is there once.
std::vector<kube::AllocatedDeviceStatus> describeDevices(const device::Inventory& inventory,
                                                         const kube::Allocation& allocation);

/// Whether the claim says all this already.
bool saysAlready(const kube::ResourceClaim& claim, const std::vector<kube::AllocatedDeviceStatus>& wanted);

}  // namespace simgpu::claim
