#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace simgpu::kube {

/// RFC 4648 section 4, with padding.
std::string base64Encode(std::string_view bytes);

/// The inverse; line breaks are ignored, as Go does. nullopt for anything else that is not base64 with padding.
std::optional<std::string> base64Decode(std::string_view text);

}  // namespace simgpu::kube
