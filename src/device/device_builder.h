#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "device/profile_data.h"
#include "simgpu/base/result.h"
#include "simgpu/device/device.h"

namespace simgpu::device {

/// How many devices a node has of a kind, partitions included; beyond `Profile::kMaxDevices` any number beyond.
std::size_t deviceCount(const KindData& kind, const NodeContext& node);

/// invalidArgument if a partition would have nothing of something.
Status checkPartitions(const KindData& kind, const NodeContext& node);

/// What one piece of hardware of a kind is published as: the device, or its partitions and then the whole of it.
/// invalidArgument, naming device and field, if the result breaks a limit of `resource.k8s.io/v1`.
Result<std::vector<Device>> makeDevices(const KindData& kind, const NodeContext& node, std::size_t index,
                                        std::string uuid);

}  // namespace simgpu::device
