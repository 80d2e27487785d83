#include "device/go_random.h"

#include "device/go_seeder.h"
#include "simgpu/base/utf8.h"

namespace simgpu::device {
namespace {

constexpr GoRandom::State kCooked = {
#include "device/go_cooked.inc"
};

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
  return kCooked;
}

GoRandom::GoRandom(std::int64_t seed) : state_(kCooked) {
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
