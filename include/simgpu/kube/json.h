#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"
#include "simgpu/kube/types.h"

/// JSON of the typed objects. Decoding refuses what has the wrong type with dataLoss and the path of the field
/// (`spec.pool.generation: expected an integer, found a string`) and ignores what it does not know; a field that is
/// absent or null is empty. Never throws.
namespace simgpu::kube {

/// Text to JSON; dataLoss with the place of the error, or if it is nested more than 500 levels deep. Duplicate keys:
/// the last one wins, as in Go.
Result<nlohmann::json> parseJson(std::string_view text);

/// JSON to text. Bytes that are not UTF-8 are replaced.
std::string dumpJson(const nlohmann::json& json);

/// RFC 3339 in whole seconds of UTC, as `metav1.Time`.
std::string timeText(std::chrono::system_clock::time_point time);

nlohmann::json toJson(const DeviceAttribute& attribute);
nlohmann::json toJson(const AllocatedDeviceStatus& status);
nlohmann::json toJson(const ResourceSlice& slice);
nlohmann::json toJson(const Event& event);

/// `<object>.<hex nanoseconds>`, as client-go's recorder names Events.
std::string eventName(const Event& event);

Result<ResourceSlice> resourceSliceFromJson(const nlohmann::json& json);

/// For slices that others may have written: one whose content cannot be understood comes back with its identity alone
/// (metadata, driver, node), so that it differs from anything wanted and can be replaced or deleted.
Result<ResourceSlice> resourceSliceOrIdentity(const nlohmann::json& json);

Result<ResourceClaim> resourceClaimFromJson(const nlohmann::json& json);

/// For claims of others: one whose content cannot be understood comes back with its metadata alone, as one that is not
/// allocated.
Result<ResourceClaim> resourceClaimOrIdentity(const nlohmann::json& json);

Result<ServerVersion> serverVersionFromJson(const nlohmann::json& json);
Result<Node> nodeFromJson(const nlohmann::json& json);

}  // namespace simgpu::kube
