// Writes the table that Go's `math/rand` mixes with a seed (`rngCooked`), for go_random.cc. Go carries it as a table;
// it is the state after 7.8e12 steps from a simple seed, which a few polynomial squarings reach as well. The build runs
// this once, because it would take longer than all the rest of a start.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>

#include "device/go_random.h"
#include "device/go_seeder.h"

namespace simgpu::device {
namespace {

constexpr std::size_t kLength = GoRandom::kLength;
constexpr std::size_t kLag = 334;  // x^607 = x^334 + 1
constexpr std::uint64_t kCookedSteps = 7'800'000'000'000;

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
  for (int bit = std::bit_width(n) - 1; bit >= 0; --bit) {
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

}  // namespace
}  // namespace simgpu::device

int main(int argc, char** argv) {
  std::FILE* file = argc == 2 ? std::fopen(argv[1], "w") : nullptr;
  if (file == nullptr) {
    std::fprintf(stderr, "usage: make_go_cooked FILE\n");
    return 2;
  }
  for (std::uint64_t word : simgpu::device::computeCooked()) {
    std::fprintf(file, "0x%016llxU,\n", static_cast<unsigned long long>(word));
  }
  return std::fclose(file) == 0 ? 0 : 1;
}
