#pragma once

#include <string>
#include <vector>

#include "simgpu/base/result.h"
#include "simgpu/claim/record.h"
#include "simgpu/device/inventory.h"
#include "simgpu/kube/types.h"

namespace simgpu::claim {

/// Turns the allocation of a claim into the record that preparing it would write: finds each allocated device in the
/// inventory, resolves and validates its parameters, and collects what its containers get. No I/O.
///
/// Results of other drivers are skipped. Parameters: the built-in default is weaker than every entry of the class,
/// which is weaker than every entry of the claim; the last matching entry wins entirely. An entry matches if it names
/// no request, the request of the result, or the part of it before `/` (resource.k8s.io/v1
/// DeviceAllocationConfiguration).
///
/// The messages are the reference driver's, which users and tools know (`requested device is not allocatable: gpu-99`).
Result<Record> resolveAllocation(const device::Inventory& inventory, const SpecNaming& naming, const ClaimRef& claim,
                                 const kube::Allocation& allocation, const std::string& bootId);

}  // namespace simgpu::claim
