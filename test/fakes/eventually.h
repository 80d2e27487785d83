#pragma once

#include <chrono>
#include <thread>

namespace simgpu::fakes {

/// Whether `condition` becomes true within ten seconds; for what another thread or process is about to do and gives no
/// better sign of.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace simgpu::fakes
