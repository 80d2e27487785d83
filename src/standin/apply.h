#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "standin/api_error.h"

/// Server-side apply on the status of a claim: lists merge by their keys, each manager owns the fields that it applied,
/// and `metadata.managedFields` says so (FieldsV1). What is written by PUT or merge patch belongs to nobody here, so
/// that applying over it is never a conflict.
namespace simgpu::standin {

struct ApplyOptions {
  std::string manager;
  bool force = false;
  std::string time;  ///< RFC 3339
};

/// The live object after `configuration` was applied to its status. 409 if another manager applied another value to a
/// field, unless forced; 500, as a real server answers, if a list has two items of the same keys.
ApiResult<nlohmann::json> applyStatus(const nlohmann::json& live, const nlohmann::json& configuration,
                                      const ApplyOptions& options);

/// The `managedFields` of `old` without what `next` has changed: whoever changes a field by other means takes it away
/// from those who applied it.
nlohmann::json managedFieldsAfter(const nlohmann::json& old, const nlohmann::json& next);

}  // namespace simgpu::standin
