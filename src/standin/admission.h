#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/clock.h"
#include "standin/api_error.h"
#include "standin/resources.h"

/// What the API server does to an object beside storing it.
namespace simgpu::standin {

/// `2026-11-24T01:07:33Z`
std::string rfc3339(base::Clock::WallTime time);

/// Fills in defaults and brings quantities into their canonical form, as `resource.k8s.io/v1` and `v1` do. `old` is
/// null on creation. Badly formed quantities are 400.
ApiResult<nlohmann::json> withDefaults(const Resource& resource, nlohmann::json object, base::Clock::WallTime now);

/// Everything that is wrong with an object; `old` is null on creation.
std::vector<FieldError> validateObject(const Resource& resource, const nlohmann::json& object,
                                       const nlohmann::json* old);

/// Everything that is wrong with a new status of a claim.
std::vector<FieldError> validateClaimStatus(const nlohmann::json& object, const nlohmann::json& old);

std::vector<FieldError> validateSlice(const nlohmann::json& object, const nlohmann::json* old);

/// What is wrong with the request policy of a capacity, which may have none.
void validatePolicy(const nlohmann::json& capacity, const std::string& where, std::vector<FieldError>& errors);

std::vector<FieldError> validateClaim(const nlohmann::json& object, const nlohmann::json* old);

bool isDnsLabel(std::string_view text);
bool isDnsSubdomain(std::string_view text);

}  // namespace simgpu::standin
