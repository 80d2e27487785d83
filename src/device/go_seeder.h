#pragma once

#include <cstdint>

namespace simgpu::device {

/// The linear congruential generator (Park and Miller) that fills the state of `GoRandom` from a seed.
class Seeder {
 public:
  explicit Seeder(std::int64_t seed) : x_(seed % kModulus) {
    if (x_ < 0) {
      x_ += kModulus;
    }
    if (x_ == 0) {
      x_ = 89482311;
    }
    for (int i = 0; i < 20; ++i) {
      step();
    }
  }

  /// Three steps, joined with shifts of 2 * `shift`, `shift` and 0 bits.
  std::uint64_t word(int shift) {
    std::uint64_t high = step();
    std::uint64_t middle = step();
    return high << (2 * shift) ^ middle << shift ^ step();
  }

 private:
  static constexpr std::int64_t kModulus = (std::int64_t{1} << 31) - 1;

  std::uint64_t step() {
    x_ = 48271 * x_ % kModulus;
    return static_cast<std::uint64_t>(x_);
  }

  std::int64_t x_;
};

}  // namespace simgpu::device
