#include "simgpu/base/random.h"

#include <chrono>
#include <sys/random.h>

namespace simgpu::base {

std::uint64_t SystemRandom::next() {
  std::uint64_t bits = 0;
  if (getrandom(&bits, sizeof(bits), 0) != static_cast<ssize_t>(sizeof(bits))) {
    // Only interrupted or very early at boot; jitter needs no better source.
    bits = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  return bits;
}

}  // namespace simgpu::base
