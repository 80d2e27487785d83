#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"
#include "simgpu/kube/transport.h"

namespace simgpu::standin {

/// One thing that validation found wrong (`metav1.StatusCause`).
struct FieldError {
  std::string reason;  ///< For example `FieldValueInvalid`.
  std::string field;
  std::string message;  ///< For example `Invalid value: "x": must be …`.

  static FieldError required(std::string field, std::string_view detail = {});
  static FieldError invalid(std::string field, const nlohmann::json& value, std::string_view detail);
  static FieldError duplicate(std::string field, std::string_view value);
  static FieldError notSupported(std::string field, std::string_view value, const std::vector<std::string>& supported);
  static FieldError forbidden(std::string field, std::string_view detail);
  static FieldError tooLong(std::string field, std::size_t maximum);
  static FieldError tooMany(std::string field, std::size_t actual, std::size_t maximum);
};

/// What an error is about: plural resource, or kind for a validation error.
struct ErrorSubject {
  std::string group;
  std::string resource;
  std::string kind;
  std::string name;

  /// `resourceslices.resource.k8s.io "x"`
  std::string qualified() const;
};

/// An answer that is a `v1 Status` of failure.
struct ApiError {
  int code = 500;
  std::string reason;
  std::string message;
  nlohmann::json details = nlohmann::json::object();
  std::optional<int> retryAfterSeconds;

  static ApiError badRequest(std::string message);
  static ApiError noSuchPath();
  static ApiError notFound(const ErrorSubject& subject);
  static ApiError alreadyExists(const ErrorSubject& subject);
  static ApiError conflict(const ErrorSubject& subject, std::string_view why);
  static ApiError invalid(const ErrorSubject& subject, const std::vector<FieldError>& errors);
  static ApiError methodNotAllowed();
  static ApiError unsupportedMediaType(std::string_view mediaType);
  static ApiError expired(std::string message);
  static ApiError tooLargeResourceVersion(std::uint64_t asked, std::uint64_t current);
  static ApiError internal(std::string message);

  nlohmann::json toJson() const;
  kube::HttpResponse toResponse() const;
};

template <typename T>
using ApiResult = std::expected<T, ApiError>;

/// The code that a client would give the answer, with the API's message.
Status statusOfResponse(const kube::HttpResponse& response);

}  // namespace simgpu::standin
