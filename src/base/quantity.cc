#include "simgpu/base/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <ranges>
#include <utility>

namespace simgpu::base {
namespace {

__extension__ typedef __int128 Wide;  // NOLINT(modernize-use-using): -Wpedantic knows __extension__ only so

constexpr int kNanoDigits = 9;
constexpr Wide kUnit = 1'000'000'000;
constexpr Wide kMaxNanos = Wide{std::numeric_limits<std::int64_t>::max()} * kUnit;
constexpr std::size_t kMaxNanosDigits = 28;

constexpr std::array<std::string_view, 10> kDecimalSuffixes = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
constexpr std::array<std::string_view, 6> kBinarySuffixes = {"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

Status wrongFormat() {
  return Status::invalidArgument(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

Status wrongSuffix() {
  return Status::invalidArgument("unable to parse quantity's suffix");
}

/// A quantity as written: sign, digits around the point, suffix.
struct Parts {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  std::string_view suffix;
};

/// Takes the longest prefix of `text` that consists of `allowed` characters.
std::string_view take(std::string_view& text, std::string_view allowed) {
  std::string_view taken = text.substr(0, text.find_first_not_of(allowed));
  text.remove_prefix(taken.size());
  return taken;
}

bool takeSign(std::string_view& text, bool& negative) {
  if (text.empty() || (text.front() != '+' && text.front() != '-')) {
    return false;
  }
  negative = text.front() == '-';
  text.remove_prefix(1);
  return true;
}

std::optional<Parts> split(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  Parts parts;
  takeSign(text, parts.negative);
  parts.whole = take(text, kDigits);
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    parts.fraction = take(text, kDigits);
  }
  if (parts.whole.empty() && parts.fraction.empty()) {
    return std::nullopt;
  }
  parts.suffix = text;
  take(text, "eEinumkKMGTP");
  bool ignored = false;
  takeSign(text, ignored);
  take(text, kDigits);
  return text.empty() ? std::optional(parts) : std::nullopt;
}

enum class Family { decimal, binary, exponent };

/// What a suffix multiplies with: 10^power, or 2^power for the binary family.
struct Scale {
  Family family = Family::decimal;
  std::int64_t power = 0;
};

std::optional<Scale> interpret(std::string_view suffix) {
  if (const auto* found = std::ranges::find(kDecimalSuffixes, suffix); found != kDecimalSuffixes.end()) {
    return Scale{Family::decimal, 3 * (found - kDecimalSuffixes.begin()) - kNanoDigits};
  }
  if (const auto* found = std::ranges::find(kBinarySuffixes, suffix); found != kBinarySuffixes.end()) {
    return Scale{Family::binary, 10 * (found - kBinarySuffixes.begin() + 1)};
  }
  if (suffix.size() < 2 || (suffix.front() != 'e' && suffix.front() != 'E')) {
    return std::nullopt;
  }
  std::string_view number = suffix.substr(suffix[1] == '+' ? 2 : 1);
  if (number.empty() || (suffix[1] == '+' && number.front() == '-')) {
    return std::nullopt;
  }
  // Beyond 32 bits the reference wraps around; such a number is either zero or out of range, so refuse it here.
  std::int32_t power = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), power);
  if (error != std::errc() || end != number.data() + number.size()) {
    return std::nullopt;
  }
  return Scale{Family::exponent, power};
}

/// Doubles a decimal number written as digits.
void twice(std::string& digits) {
  int carry = 0;
  for (char& digit : std::views::reverse(digits)) {
    int doubled = 2 * (digit - '0') + carry;
    digit = static_cast<char>('0' + doubled % 10);
    carry = doubled / 10;
  }
  if (carry != 0) {
    digits.insert(digits.begin(), '1');
  }
}

/// `digits` times 10^power as an integer, rounded away from zero; nothing if it exceeds `kMaxNanos`.
std::optional<Wide> scaled(std::string_view digits, std::int64_t power) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) {
    return 0;
  }
  std::int64_t length = static_cast<std::int64_t>(digits.size()) + power;
  if (length > static_cast<std::int64_t>(kMaxNanosDigits)) {
    return std::nullopt;
  }
  std::size_t kept = static_cast<std::size_t>(std::clamp<std::int64_t>(length, 0, std::ssize(digits)));
  Wide result = 0;
  for (char digit : digits.substr(0, kept)) {
    result = result * 10 + (digit - '0');
  }
  for (std::int64_t zeros = std::ssize(digits); zeros < length; ++zeros) {
    result *= 10;
  }
  if (digits.find_first_not_of('0', kept) != std::string_view::npos) {
    ++result;
  }
  return result <= kMaxNanos ? std::optional(result) : std::nullopt;
}

std::string digitsOf(Wide value) {
  bool negative = value < 0;
  std::string digits;
  do {
    int digit = static_cast<int>(value % 10);
    digits.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    value /= 10;
  } while (value != 0);
  if (negative) {
    digits.push_back('-');
  }
  std::ranges::reverse(digits);
  return digits;
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  auto parts = split(text);
  if (!parts) {
    return unexpected(wrongFormat());
  }
  auto scale = interpret(parts->suffix);
  if (!scale) {
    return unexpected(wrongSuffix());
  }
  std::string digits = std::string(parts->whole) + std::string(parts->fraction);
  std::int64_t power = kNanoDigits - std::ssize(parts->fraction);
  Format format = Format::decimalSi;
  if (scale->family == Family::binary) {
    format = Format::binarySi;
    for (std::int64_t i = 0; i < scale->power; ++i) {
      twice(digits);
    }
  } else {
    format = scale->family == Family::exponent ? Format::decimalExponent : Format::decimalSi;
    power += scale->power;
  }
  auto nanos = scaled(digits, power);
  if (!nanos) {
    return unexpected(Status::invalidArgument("quantity \"{}\" is beyond 2^63-1", text.substr(0, 64)));
  }
  return Quantity(parts->negative ? -*nanos : *nanos, format);
}

Quantity Quantity::decimal(std::int64_t value) {
  return {value * kUnit, Format::decimalSi};
}

Quantity Quantity::binary(std::int64_t value) {
  return {value * kUnit, Format::binarySi};
}

std::string Quantity::toString() const {
  if (nanos_ == 0) {
    return "0";
  }
  Wide number = nanos_;
  // Binary suffixes only for whole numbers that reach 1Ki; anything else would lose digits.
  bool reachesKi = number >= 1024 * kUnit || number <= -1024 * kUnit;
  if (format_ == Format::binarySi && reachesKi && number % kUnit == 0) {
    number /= kUnit;
    std::size_t power = 0;
    while (number % 1024 == 0) {
      number /= 1024;
      ++power;
    }
    return digitsOf(number) + std::string(power == 0 ? "" : kBinarySuffixes[power - 1]);
  }
  int power = -kNanoDigits;
  while (number % 1000 == 0) {
    number /= 1000;
    power += 3;
  }
  if (format_ == Format::decimalExponent) {
    return digitsOf(number) + (power == 0 ? "" : "e" + std::to_string(power));
  }
  return digitsOf(number) + std::string(kDecimalSuffixes[static_cast<std::size_t>(power + kNanoDigits) / 3]);
}

std::int64_t Quantity::value() const {
  Wide whole = nanos_ / kUnit;
  Wide rest = nanos_ % kUnit;
  if (rest != 0) {
    whole += rest > 0 ? 1 : -1;
  }
  return static_cast<std::int64_t>(whole);
}

Quantity Quantity::dividedBy(std::int64_t parts) const {
  return {nanos_ / kUnit / parts * kUnit, format_};
}

Quantity operator+(const Quantity& left, const Quantity& right) {
  return {left.nanos_ + right.nanos_, left.nanos_ == 0 ? right.format_ : left.format_};
}

Quantity operator-(const Quantity& left, const Quantity& right) {
  return {left.nanos_ - right.nanos_, left.nanos_ == 0 ? right.format_ : left.format_};
}

Quantity gcd(const Quantity& left, const Quantity& right) {
  Quantity larger = left;
  Quantity smaller = right;
  while (smaller.nanos_ != 0) {
    larger = {larger.nanos_ % smaller.nanos_, larger.format_};
    std::swap(larger, smaller);
  }
  return {larger.nanos_ < 0 ? -larger.nanos_ : larger.nanos_, left.format_};
}

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
  return nanos_ <=> other.nanos_;
}

}  // namespace simgpu::base
