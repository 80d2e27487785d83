#pragma once

#include <string>
#include <vector>

#include "simgpu/kube/event_sink.h"
#include "simgpu/kube/types.h"

namespace simgpu::slice {

/// The first thing in which what the server stored differs from what it was sent, for a person: `capacity compute of
/// device gpu-0`. Empty if nothing does.
std::string firstDifference(const kube::ResourceSlice& sent, const kube::ResourceSlice& stored);

/// That, for the users of the node.
kube::Occurrence fieldsDropped(const kube::ResourceSlice& sent, const kube::ResourceSlice& stored);

}  // namespace simgpu::slice
