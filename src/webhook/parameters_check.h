#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "simgpu/device/profile.h"
#include "webhook/repeated_fields.h"

namespace simgpu::webhook {

/// What is wrong with opaque parameters of the driver, as the reference driver tells it of the object at `path`; empty
/// if a device of some kind in the profile accepts them. Missing settings have their defaults, as in Prepare.
std::string checkParameters(const device::Profile& profile, const nlohmann::json& parameters,
                            const RepeatedFields& repeated, std::string_view path);

}  // namespace simgpu::webhook
