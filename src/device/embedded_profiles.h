#pragma once

#include <span>
#include <string_view>

namespace simgpu::device {

/// A file of `profiles/` as it was when this program was built.
struct EmbeddedProfile {
  std::string_view name;  ///< File name without extension.
  std::string_view text;
};

/// Sorted by name.
std::span<const EmbeddedProfile> embeddedProfiles();

}  // namespace simgpu::device
