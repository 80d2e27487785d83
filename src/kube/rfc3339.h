#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace simgpu::kube {

/// `2026-01-01T00:00:00Z`, with a fraction of seconds (dropped) or a numeric offset. nullopt for anything else.
std::optional<std::chrono::system_clock::time_point> parseRfc3339(std::string_view text);

}  // namespace simgpu::kube
