#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/quantity.h"
#include "simgpu/base/result.h"

namespace simgpu::standin {

/// A CEL expression about a device, of the few forms that `Scheduler` names.
class DeviceSelector {
 public:
  /// unimplemented, with the part that is not understood.
  static Result<DeviceSelector> parse(std::string_view expression);

  /// Fails with CEL's words if the device lacks what the expression looks at. `device` is an element of a slice's
  /// `devices`; names without domain are the driver's.
  Result<bool> matches(const std::string& driver, const nlohmann::json& device) const;

 private:
  enum class Comparison { equal, less, lessOrEqual, greater, greaterOrEqual };

  struct DriverIs {
    std::string driver;
  };
  struct AttributeIs {
    std::string domain;
    std::string name;
    std::string value;
  };
  struct CapacityIs {
    std::string domain;
    std::string name;
    Comparison comparison = Comparison::equal;
    base::Quantity value;
  };
  using Term = std::variant<DriverIs, AttributeIs, CapacityIs>;

  static Result<Term> parseTerm(std::string_view text);
  static Result<bool> holds(const Term& term, const std::string& driver, const nlohmann::json& device);

  std::vector<Term> terms_;
};

}  // namespace simgpu::standin
