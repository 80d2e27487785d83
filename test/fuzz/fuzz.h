#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace simgpu::fuzz {

/// What libFuzzer made up, as text.
inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Reports the input as a finding, with the property that it violates, unless `holds`.
inline void check(bool holds, const char* property) {
  if (!holds) {
    std::fprintf(stderr, "Violated: %s\n", property);
    std::abort();
  }
}

}  // namespace simgpu::fuzz
