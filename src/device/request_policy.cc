#include "device/request_policy.h"

#include <algorithm>

namespace simgpu::device {
namespace {

using base::Quantity;

/// Whether `value` is `range.min` and a whole number of steps.
bool isOnStep(const RequestPolicy::Range& range, const Quantity& value) {
  return !range.step || gcd(*range.step, value - range.min) == *range.step;
}

Status checkRange(const RequestPolicy::Range& range, const Quantity& standard, const Quantity& value) {
  if (range.min > standard || standard > range.max || range.max > value) {
    return Status::invalidArgument("expected min ≤ default ≤ max ≤ value, found min {}, default {}, max {}, value {}",
                                   range.min.toString(), standard.toString(), range.max.toString(), value.toString());
  }
  if (range.step && range.min + *range.step > value) {
    return Status::invalidArgument("expected min and step to be at most the value {} together, found {} and {}",
                                   value.toString(), range.min.toString(), range.step->toString());
  }
  for (auto [name, bound] : {std::pair("default", &standard), std::pair("max", &range.max)}) {
    if (!isOnStep(range, *bound)) {
      return Status::invalidArgument("expected a {} that is a whole number of steps of {} away from {}, found {}", name,
                                     range.step->toString(), range.min.toString(), bound->toString());
    }
  }
  return {};
}

Status check(const RequestPolicy& policy, const Quantity& value) {
  if (policy.validRange) {
    return checkRange(*policy.validRange, policy.standard, value);
  }
  if (std::ranges::find(policy.validValues, policy.standard) == policy.validValues.end()) {
    return Status::invalidArgument("expected a default among the validValues, found {}", policy.standard.toString());
  }
  if (policy.validValues.back() > value) {
    return Status::invalidArgument("expected validValues of at most the value {}, found {}", value.toString(),
                                   policy.validValues.back().toString());
  }
  return {};
}

RequestPolicy onlyWhole(const Quantity& value) {
  return {.standard = value, .validValues = {value}, .validRange = {}};
}

RequestPolicy fitRange(const PolicyData& data, const Quantity& part) {
  const PolicyData::Range& range = *data.validRange;
  if (part <= range.min) {
    return onlyWhole(part);
  }
  RequestPolicy policy{.standard = std::min(data.standard.value_or(part), part), .validValues = {}, .validRange = {}};
  RequestPolicy::Range fitted{.min = range.min, .max = std::min(range.max.value_or(part), part), .step = range.step};
  if (fitted.step) {
    fitted.step = gcd(gcd(*fitted.step, fitted.max - fitted.min), policy.standard - fitted.min);
    if (fitted.min + *fitted.step > part) {
      fitted.step.reset();
    }
  }
  policy.validRange = fitted;
  return policy;
}

RequestPolicy fitValues(const PolicyData& data, const Quantity& part) {
  RequestPolicy policy{.standard = data.standard.value_or(part), .validValues = {}, .validRange = {}};
  std::ranges::copy_if(data.validValues, std::back_inserter(policy.validValues),
                       [&](const Quantity& value) { return value <= part; });
  if (policy.validValues.empty()) {
    return onlyWhole(part);
  }
  if (std::ranges::find(policy.validValues, policy.standard) == policy.validValues.end()) {
    policy.standard = policy.validValues.back();
  }
  return policy;
}

}  // namespace

Result<RequestPolicy> makePolicy(const PolicyData& data, const Quantity& value) {
  RequestPolicy policy{.standard = data.standard.value_or(value), .validValues = data.validValues, .validRange = {}};
  if (data.validRange) {
    policy.validRange = RequestPolicy::Range{
        .min = data.validRange->min, .max = data.validRange->max.value_or(value), .step = data.validRange->step};
  }
  if (Status checked = check(policy, value); !checked) {
    return unexpected(checked.with("requestPolicy"));
  }
  return policy;
}

RequestPolicy fitPolicy(const PolicyData& data, const Quantity& part) {
  return data.validRange ? fitRange(data, part) : fitValues(data, part);
}

}  // namespace simgpu::device
