#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "simgpu/device/inventory.h"
#include "simgpu/kube/types.h"

namespace simgpu::slice {

/// Devices in one ResourceSlice (`resource.k8s.io/v1` `ResourceSliceMaxDevices`).
inline constexpr std::size_t kMaxDevicesPerSlice = 128;
/// The same where a device has taints, counters or lists (`ResourceSliceMaxDevicesWithTaintsOrConsumesCounters`), since
/// Kubernetes 1.35.
inline constexpr std::size_t kMaxIntricateDevicesPerSlice = 64;
/// Counter sets in one slice (`ResourceSliceMaxCounterSets`), since 1.35.
inline constexpr std::size_t kMaxCounterSetsPerSlice = 8;
/// Counters in one slice, over all its sets, before 1.35.
inline constexpr std::size_t kMaxCountersPerSlice = 32;

/// What the API server is known to take.
struct ServerFeatures {
  kube::ServerVersion version{.major = 1, .minor = 36};
  bool listAttributes = true;  ///< False once it has refused them: their feature gate is off.

  bool operator==(const ServerFeatures&) const = default;
};

/// The slices that should exist for a node, in the order of their index.
struct Plan {
  std::vector<kube::ResourceSlice> slices;
  /// What this API server would refuse or drop, and is therefore not in the slices, for a person: `taints with the
  /// effect None`.
  std::vector<std::string> leftOut;
};

/// Whether the plan depends on what the API server takes.
bool dependsOnServer(const device::Inventory& inventory);

/// The devices of the inventory in one pool, spread over as many slices as the API's limits demand. A node without
/// devices has one empty slice, which tells the scheduler that there is a driver. Counter sets are in slices of their
/// own, in front of those with devices; before Kubernetes 1.35, each is in the slice of the devices that draw from it.
/// Names, UID of the owner and generation are not part of the plan.
Plan plan(const device::Inventory& inventory, const ServerFeatures& server = {});

/// `<index>-<driver>-<node>-`, index in hexadecimal with at least five digits: the prefix to which the server appends
/// five random characters, after cutting it to 58, and by which a slice is found again. The same as the Go helper's.
std::string generateName(std::size_t index, const kube::ResourceSlice& slice);

/// The index in the name of a slice; empty if it has none.
std::optional<std::size_t> indexOf(const kube::ResourceSlice& slice);

}  // namespace simgpu::slice
