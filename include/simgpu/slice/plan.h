#pragma once

#include <optional>
#include <string>
#include <vector>

#include "simgpu/device/inventory.h"
#include "simgpu/kube/types.h"

namespace simgpu::slice {

/// Devices in one ResourceSlice (`resource.k8s.io/v1` `ResourceSliceMaxDevices`).
inline constexpr std::size_t kMaxDevicesPerSlice = 128;

/// The slices that should exist for a node, in the order of their index: the devices of the inventory in one pool,
/// spread over as many slices as the API's limits demand. A node without devices has one empty slice, which tells the
/// scheduler that there is a driver. Names, UID of the owner and generation are not part of the plan.
std::vector<kube::ResourceSlice> plan(const device::Inventory& inventory);

/// `<index>-<driver>-<node>-`, index in hexadecimal with at least five digits: the prefix to which the server appends
/// five random characters, after cutting it to 58, and by which a slice is found again. The same as the Go helper's.
std::string generateName(std::size_t index, const kube::ResourceSlice& slice);

/// The index in the name of a slice; empty if it has none.
std::optional<std::size_t> indexOf(const kube::ResourceSlice& slice);

}  // namespace simgpu::slice
