#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace simgpu::device {

/// The generator of Go's `math/rand` (`rand.New(rand.NewSource(seed))`), bit for bit: an additive lagged Fibonacci
/// generator with lags 607 and 273. The reference driver draws its UUIDs from it.
class GoRandom {
 public:
  static constexpr std::size_t kLength = 607;
  using State = std::array<std::uint64_t, kLength>;

  explicit GoRandom(std::int64_t seed);

  /// `Int63()`
  std::uint64_t next63();

  /// The state that Go's generator starts from before a seed is mixed in (`rngCooked`); make_go_cooked.cc computes it.
  static const State& cooked();

 private:
  State state_;
  std::size_t tap_ = 0;
  std::size_t feed_ = kLength - 273;
};

/// The UUIDs of a node's devices, in order: those that the reference driver gives to a node of the same name.
class UuidStream {
 public:
  explicit UuidStream(std::string_view nodeName);

  /// 32 lower case hexadecimal digits as 8-4-4-4-12, without version or variant bits.
  std::string next();

 private:
  std::uint8_t nextByte();

  GoRandom random_;
  std::uint64_t bits_ = 0;
  int bytesLeft_ = 0;
};

}  // namespace simgpu::device
