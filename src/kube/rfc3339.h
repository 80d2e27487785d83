#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace simgpu::kube {

/// `2026-01-01T00:00:00Z`, with a fraction of seconds (dropped) or a numeric offset. nullopt for anything else. A time
/// that the clock cannot hold (before 1678, after 2262) is the first or last that it can.
std::optional<std::chrono::system_clock::time_point> parseRfc3339(std::string_view text);

}  // namespace simgpu::kube
