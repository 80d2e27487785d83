// Quantities from profiles and from the API.
#include "simgpu/base/quantity.h"

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace simgpu;
  using fuzz::check;

  auto quantity = base::Quantity::parse(fuzz::textOf(data, size));
  if (!quantity) {
    check(quantity.error().code() == Code::invalidArgument, "a bad quantity is an invalid argument");
    return 0;
  }
  std::string canonical = quantity->toString();
  auto again = base::Quantity::parse(canonical);
  check(again && *again == *quantity, "the canonical form has the same value");
  // As in Kubernetes, 62.5Ki is written as 64000, which forgets the suffix and becomes 64k the next time.
  auto settled = base::Quantity::parse(again->toString());
  check(settled && *settled == *quantity && settled->toString() == again->toString(), "the canonical form settles");
  auto whole = base::Quantity::decimal(quantity->value());
  bool negative = *quantity < base::Quantity();
  check(negative ? whole <= *quantity : whole >= *quantity, "whole units are rounded away from zero");
  return 0;
}
