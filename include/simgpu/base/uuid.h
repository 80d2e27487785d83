#pragma once

#include <string_view>

namespace simgpu::base {

/// Whether `text` is a UUID in its form with 36 characters; the case of the digits does not matter.
bool isUuid(std::string_view text);

}  // namespace simgpu::base
