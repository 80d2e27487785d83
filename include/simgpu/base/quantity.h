#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "simgpu/base/result.h"

namespace simgpu::base {

/// A Kubernetes quantity (`80Gi`, `500m`, `1e3`): an exact decimal number and the family of suffixes it is written in.
///
/// The semantics are those of `k8s.io/apimachinery/pkg/api/resource.Quantity`: comparison is by value, precision ends
/// at 10^-9 (finer values are rounded away from zero), and `toString()` gives the canonical form the API server stores
/// (`1024Mi` → `1Gi`, `0.5` → `500m`, `1.5Gi` → `1536Mi`, `1e3` stays).
class Quantity {
 public:
  /// Zero.
  Quantity() = default;

  /// invalidArgument with the API server's own words for text that is not a quantity, or is beyond ±2^63-1 units.
  static Result<Quantity> parse(std::string_view text);

  /// `value` whole units, written with decimal or binary suffixes.
  static Quantity decimal(std::int64_t value);
  static Quantity binary(std::int64_t value);

  std::string toString() const;

  /// The value in whole units, rounded up, as `Quantity.Value()` does.
  std::int64_t value() const;

  /// Each of `parts` (at least 1) equal parts, in whole units and rounded down, in the same family of suffixes.
  Quantity dividedBy(std::int64_t parts) const;

  /// Exact as long as fewer than 2^30 quantities are added up. Written like the left side, unless that is zero.
  friend Quantity operator+(const Quantity& left, const Quantity& right);
  friend Quantity operator-(const Quantity& left, const Quantity& right);

  /// The largest quantity of which both are whole multiples; of zero and another one, the other one.
  friend Quantity gcd(const Quantity& left, const Quantity& right);

  bool operator==(const Quantity& other) const { return nanos_ == other.nanos_; }
  std::strong_ordering operator<=>(const Quantity& other) const;

 private:
  enum class Format { decimalSi, binarySi, decimalExponent };

  __extension__ typedef __int128 Nanos;  // NOLINT(modernize-use-using): -Wpedantic knows __extension__ only so

  Quantity(Nanos nanos, Format format) : nanos_(nanos), format_(format) {}

  Nanos nanos_ = 0;
  Format format_ = Format::decimalSi;
};

}  // namespace simgpu::base
