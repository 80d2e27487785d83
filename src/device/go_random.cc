#include "device/go_random.h"

#include <algorithm>

#include "simgpu/base/utf8.h"

namespace simgpu::device {
namespace {

constexpr std::size_t kLength = GoRandom::kLength;
constexpr std::size_t kLag = 334;  // x^607 = x^334 + 1
constexpr std::int64_t kModulus = (std::int64_t{1} << 31) - 1;
constexpr std::uint64_t kCookedSteps = 7'800'000'000'000;

/// The linear congruential generator (Park and Miller) that fills the state from a seed.
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
  std::uint64_t step() {
    x_ = 48271 * x_ % kModulus;
    return static_cast<std::uint64_t>(x_);
  }

  std::int64_t x_;
};

/// Polynomials over the integers modulo 2^64, of degree below 607, modulo x^607 - x^334 - 1: x to the power of n stands
/// for the n-th output of the generator as a sum of its first 607.
using Polynomial = GoRandom::State;

Polynomial timesX(const Polynomial& p) {
  Polynomial product{};
  for (std::size_t i = 1; i < kLength; ++i) {
    product[i] = p[i - 1];
  }
  product[0] = p[kLength - 1];
  product[kLag] += p[kLength - 1];
  return product;
}

Polynomial square(const Polynomial& p) {
  std::array<std::uint64_t, 2 * kLength - 1> product{};
  for (std::size_t i = 0; i < kLength; ++i) {
    product[2 * i] += p[i] * p[i];
    for (std::size_t j = i + 1; j < kLength; ++j) {
      product[i + j] += 2 * p[i] * p[j];
    }
  }
  for (std::size_t i = product.size() - 1; i >= kLength; --i) {
    product[i - kLength + kLag] += product[i];
    product[i - kLength] += product[i];
  }
  Polynomial remainder;
  std::copy_n(product.begin(), kLength, remainder.begin());
  return remainder;
}

/// x to the power of `n`
Polynomial power(std::uint64_t n) {
  Polynomial result{1};
  for (int bit = 63; bit >= 0; --bit) {
    result = square(result);
    if ((n >> bit & 1) != 0) {
      result = timesX(result);
    }
  }
  return result;
}

/// Where the generator keeps output number `n` (which may count from before the start).
constexpr std::size_t slot(std::int64_t n) {
  constexpr auto kSigned = static_cast<std::int64_t>(kLength);
  return static_cast<std::size_t>(((333 - n) % kSigned + kSigned) % kSigned);
}

GoRandom::State computeCooked() {
  GoRandom::State start;
  Seeder seeder(1);
  for (std::uint64_t& word : start) {
    word = seeder.word(10);
  }
  GoRandom::State cooked;
  Polynomial jump = power(kCookedSteps);
  for (std::uint64_t n = kCookedSteps - kLength; n < kCookedSteps; ++n) {
    std::uint64_t output = 0;
    for (std::size_t i = 0; i < kLength; ++i) {
      output += jump[i] * start[slot(static_cast<std::int64_t>(i) - static_cast<std::int64_t>(kLength))];
    }
    cooked[slot(static_cast<std::int64_t>(n))] = output;
    jump = timesX(jump);
  }
  return cooked;
}

/// 31 times the hash so far plus the code point, as the reference seeds its generator.
std::int64_t hashOf(std::string_view nodeName) {
  std::uint64_t hash = 0;
  while (!nodeName.empty()) {
    hash = 31 * hash + base::takeCodePoint(nodeName).value_or(0xfffd);
  }
  return static_cast<std::int64_t>(hash);
}

}  // namespace

const GoRandom::State& GoRandom::cooked() {
  static const State cooked = computeCooked();
  return cooked;
}

GoRandom::GoRandom(std::int64_t seed) : state_(cooked()) {
  Seeder seeder(seed);
  for (std::uint64_t& word : state_) {
    word ^= seeder.word(20);
  }
}

std::uint64_t GoRandom::next63() {
  tap_ = (tap_ + kLength - 1) % kLength;
  feed_ = (feed_ + kLength - 1) % kLength;
  state_[feed_] += state_[tap_];
  return state_[feed_] & ~(std::uint64_t{1} << 63);
}

UuidStream::UuidStream(std::string_view nodeName) : random_(hashOf(nodeName)) {}

std::uint8_t UuidStream::nextByte() {
  // Seven bytes of each number are used, the lowest first.
  if (bytesLeft_ == 0) {
    bits_ = random_.next63();
    bytesLeft_ = 7;
  }
  auto byte = static_cast<std::uint8_t>(bits_);
  bits_ >>= 8;
  --bytesLeft_;
  return byte;
}

std::string UuidStream::next() {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string uuid;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      uuid += '-';
    }
    std::uint8_t byte = nextByte();
    uuid += kHex[byte >> 4];
    uuid += kHex[byte & 0xf];
  }
  return uuid;
}

}  // namespace simgpu::device
