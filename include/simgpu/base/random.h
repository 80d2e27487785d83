#pragma once

#include <cstdint>

namespace simgpu::base {

/// Randomness as a parameter. Safe to use from several threads.
class Random {
 public:
  virtual ~Random() = default;

  /// 64 uniformly distributed bits.
  virtual std::uint64_t next() = 0;

  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
};

/// Randomness of the operating system. Not for secrets.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

}  // namespace simgpu::base
