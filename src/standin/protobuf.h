#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace simgpu::standin {

/// The media type of the API's Protobuf form.
inline constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

/// The object in its Protobuf form, with the fields that proto/k8s/ knows. Nothing if that has no such kind.
std::optional<std::string> protobufOf(const nlohmann::json& object);

}  // namespace simgpu::standin
