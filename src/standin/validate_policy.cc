#include <algorithm>

#include "simgpu/base/quantity.h"
#include "standin/admission.h"
#include "standin/json_access.h"

/// Validation of what claims may ask for of a shared capacity (`CapacityRequestPolicy` of Kubernetes 1.36).
namespace simgpu::standin {

namespace {

using base::Quantity;
using nlohmann::json;

constexpr std::size_t kMaxValidValues = 10;

/// Quantities are well formed by now.
std::optional<Quantity> quantityAt(const json& object, std::string_view name) {
  auto quantity = Quantity::parse(textAt(object, name));
  return quantity ? std::optional(*quantity) : std::nullopt;
}

void step(const Quantity& value, const Quantity& min, const Quantity& step, const std::string& where,
          std::vector<FieldError>& errors) {
  if (step.value() != 0 && (value.value() - min.value()) % step.value() != 0) {
    errors.push_back(FieldError::invalid(
        where, value.toString(),
        fmt::format("value is not a multiple of a given step ({}) from ({})", step.toString(), min.toString())));
  }
}

void range(const json& range, const Quantity& standard, const Quantity& value, const std::string& where,
           std::vector<FieldError>& errors) {
  auto min = quantityAt(range, "min");
  if (!min) {
    errors.push_back(FieldError::required(where + ".min"));
    return;
  }
  auto tooLarge = [&](const char* field, const Quantity& found, const std::string& what) {
    errors.push_back(FieldError::invalid(fmt::format("{}.{}", where, field), found.toString(), what));
  };
  if (*min > value) {
    tooLarge("min", *min, fmt::format("min is larger than capacity value: {}", value.toString()));
  }
  if (standard < *min) {
    tooLarge("min", standard, fmt::format("default is less than min: {}", min->toString()));
  }
  auto max = quantityAt(range, "max");
  if (max) {
    if (*min > *max) {
      tooLarge("max", *min, fmt::format("min is larger than max: {}", max->toString()));
    }
    if (*max > value) {
      tooLarge("max", *max, fmt::format("max is larger than capacity value: {}", value.toString()));
    }
    if (standard > *max) {
      tooLarge("max", standard, fmt::format("default is more than max: {}", max->toString()));
    }
  }
  if (auto size = quantityAt(range, "step")) {
    if (*min + *size > value) {
      tooLarge(
          "step", *size,
          fmt::format("one step {} is larger than capacity value: {}", (*min + *size).toString(), value.toString()));
    }
    step(standard, *min, *size, where + ".step", errors);
    if (max) {
      step(*max, *min, *size, where + ".step", errors);
    }
  }
}

void values(const json& values, const Quantity& standard, const Quantity& value, const std::string& where,
            std::vector<FieldError>& errors) {
  if (values.size() > kMaxValidValues) {
    errors.push_back(FieldError::tooMany(where, values.size(), kMaxValidValues));
  }
  bool found = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto each = Quantity::parse(values[i].is_string() ? values[i].get<std::string>() : "");
    found = found || (each && *each == standard);
    if (each && *each > value) {
      errors.push_back(FieldError::invalid(fmt::format("{}[{}]", where, i), values[i],
                                           fmt::format("option is larger than capacity value: {}", value.toString())));
    }
  }
  if (!found) {
    errors.push_back(FieldError::invalid(where, standard.toString(), "default value is not in the valid values"));
  }
}

}  // namespace

void validatePolicy(const json& capacity, const std::string& where, std::vector<FieldError>& errors) {
  const json& policy = at(capacity, "requestPolicy");
  auto value = quantityAt(capacity, "value");
  if (policy.is_null() || !value) {
    return;
  }
  std::string path = where + ".requestPolicy";
  const json& list = at(policy, "validValues");
  const json& bounds = at(policy, "validRange");
  if (!list.empty() && !bounds.empty()) {
    errors.push_back(FieldError::forbidden(path, "exactly one policy can be specified"));
    return;
  }
  auto standard = quantityAt(policy, "default");
  if (!standard) {
    if (!list.empty() || !bounds.empty()) {
      errors.push_back(FieldError::required(path + ".default"));
    }
    return;
  }
  if (!bounds.empty()) {
    range(bounds, *standard, *value, path + ".validRange", errors);
  } else if (!list.empty()) {
    values(list, *standard, *value, path + ".validValues", errors);
  }
}

}  // namespace simgpu::standin
