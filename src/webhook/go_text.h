#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"

/// What the API server's libraries say of JSON that does not fit a Go struct. People search for these texts.
namespace simgpu::webhook {

/// A field of a Go struct: `{"DeviceClaim", "spec.devices.config", "[]v1.DeviceClaimConfiguration"}`.
struct GoField {
  std::string_view structName;
  std::string_view path;
  std::string_view type;
};

/// invalidArgument: the field cannot hold the value.
Status mismatch(const nlohmann::json& found, const GoField& field);

/// A member; null if it is absent, or `object` is null itself.
const nlohmann::json& member(const nlohmann::json& object, std::string_view key);

/// The member as text, empty if it is absent or null; `mismatch` if it is something else.
Result<std::string> textMember(const nlohmann::json& object, std::string_view key, const GoField& field);

/// How Go names the type of a value that does not fit.
std::string_view goTypeOf(const nlohmann::json& value);

}  // namespace simgpu::webhook
