#pragma once

#include <string_view>

namespace simgpu::base {

/// The release, for example `0.1.0`.
std::string_view version();

/// The commit that this program was built from, or `unknown`.
std::string_view commit();

}  // namespace simgpu::base
