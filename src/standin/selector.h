#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "standin/resources.h"

namespace simgpu::standin {

/// A `fieldSelector` and a `labelSelector`: requirements that all must hold. Of label selectors only `=`, `==`, `!=`,
/// presence and absence.
class Selector {
 public:
  /// Refuses fields that the API server does not index for this resource, with its words.
  static ApiResult<Selector> parse(const Resource& resource, std::string_view fields, std::string_view labels);

  bool matches(const nlohmann::json& object) const;
  bool empty() const { return requirements_.empty(); }

 private:
  enum class Operator { equal, notEqual, present, absent };
  struct Requirement {
    nlohmann::json::json_pointer where;
    Operator op = Operator::equal;
    std::string value;
    bool isLabel = false;
  };

  static ApiResult<Requirement> parseOne(const Resource& resource, std::string_view text, bool isLabel);

  std::vector<Requirement> requirements_;
};

}  // namespace simgpu::standin
