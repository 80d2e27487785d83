#pragma once

#include "device/profile_data.h"
#include "simgpu/base/result.h"
#include "simgpu/device/device.h"

namespace simgpu::device {

/// The policy of a capacity of this value. invalidArgument if the API server would refuse it.
Result<RequestPolicy> makePolicy(const PolicyData& data, const base::Quantity& value);

/// The policy of a part of a capacity for which `makePolicy` succeeds: what the policy says of the whole, as far as it
/// goes. A step that does not lead to the end of the part becomes the largest one that divides both, so that what could
/// be asked for of the whole can still be; a part that is smaller than the smallest request is given away as a whole.
RequestPolicy fitPolicy(const PolicyData& data, const base::Quantity& part);

}  // namespace simgpu::device
