#pragma once

#include <optional>
#include <string_view>

#include "kube/api_status.h"
#include "simgpu/base/result.h"
#include "simgpu/kube/types.h"

/// The Protobuf form of the API's objects (k8s.io/apimachinery/pkg/runtime/serializer/protobuf), which costs the API
/// server and this program less than JSON does. Decoding refuses what is damaged with dataLoss, and ignores what it
/// does not know.
namespace simgpu::kube {

/// The media types of a request whose answer may have either form. What an API server refuses has the form asked for,
/// what something on the way refuses any: the answer itself tells.
inline constexpr std::string_view kProtobufOrJson = "application/vnd.kubernetes.protobuf, application/json";

/// Whether it begins as the API's Protobuf objects do. JSON never does.
bool isProtobuf(std::string_view body);

Result<ResourceClaim> resourceClaimFromProtobuf(std::string_view body);

/// Nothing if it is no `Status`. What it says is of any length.
std::optional<ApiStatus> apiStatusFromProtobuf(std::string_view body);

}  // namespace simgpu::kube
