#pragma once

#include "simgpu/base/random.h"

namespace simgpu::fakes {

/// Always the same: 0, so that nothing is jittered, unless told otherwise.
class FixedRandom final : public base::Random {
 public:
  explicit FixedRandom(std::uint64_t bits = 0) : bits_(bits) {}
  std::uint64_t next() override { return bits_; }

 private:
  std::uint64_t bits_;
};

}  // namespace simgpu::fakes
