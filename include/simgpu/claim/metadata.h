#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "simgpu/base/result.h"
#include "simgpu/claim/record.h"
#include "simgpu/device/inventory.h"
#include "simgpu/kube/types.h"

namespace simgpu::claim {

/// Adds to a freshly resolved record what lets its containers read about their devices (KEP-5304): for each request the
/// file that says it, a CDI device `<claimUID>_<request>` in the claim's own spec that mounts the file, and the id of
/// that device beside those of the request's first device. So a container gets what is about the requests that it
/// lists.
///
/// The paths in the container and the content are those of the Go helper library (k8s.io/dynamic-resource-allocation
/// v0.37: kubeletplugin, api/metadata), in all its versions. `directory` is where the files are on the node. No I/O.
Result<Record> describeDevices(Record record, const device::Inventory& inventory, const SpecNaming& naming,
                               const kube::ResourceClaim& claim, const std::filesystem::path& directory);

/// The name of a metadata file on the node: `<claimUID>_<request>.json`.
std::string metadataFileName(std::string_view claimUid, std::string_view request);

/// The claim UID in such a name; empty if it is none.
std::string metadataClaimUidOf(std::string_view fileName);

}  // namespace simgpu::claim
