#include "standin/api_error.h"

#include <fmt/ranges.h>

namespace simgpu::standin {

namespace {

using nlohmann::json;

std::string withDetail(std::string message, std::string_view detail) {
  return detail.empty() ? message : fmt::format("{}: {}", message, detail);
}

json detailsOf(const ErrorSubject& subject, const std::string& kind) {
  json details = json::object();
  if (!subject.name.empty()) {
    details["name"] = subject.name;
  }
  if (!subject.group.empty()) {
    details["group"] = subject.group;
  }
  details["kind"] = kind;
  return details;
}

}  // namespace

FieldError FieldError::required(std::string field, std::string_view detail) {
  return {"FieldValueRequired", std::move(field), withDetail("Required value", detail)};
}

FieldError FieldError::invalid(std::string field, const json& value, std::string_view detail) {
  return {"FieldValueInvalid", std::move(field), fmt::format("Invalid value: {}: {}", value.dump(), detail)};
}

FieldError FieldError::duplicate(std::string field, std::string_view value) {
  return {"FieldValueDuplicate", std::move(field), fmt::format("Duplicate value: \"{}\"", value)};
}

FieldError FieldError::notSupported(std::string field, std::string_view value,
                                    const std::vector<std::string>& supported) {
  return {"FieldValueNotSupported", std::move(field),
          fmt::format("Unsupported value: \"{}\": supported values: \"{}\"", value, fmt::join(supported, "\", \""))};
}

FieldError FieldError::forbidden(std::string field, std::string_view detail) {
  return {"FieldValueForbidden", std::move(field), withDetail("Forbidden", detail)};
}

FieldError FieldError::tooLong(std::string field, std::size_t maximum) {
  return {"FieldValueTooLong", std::move(field), fmt::format("Too long: may not be more than {} bytes", maximum)};
}

FieldError FieldError::tooMany(std::string field, std::size_t actual, std::size_t maximum) {
  return {"FieldValueTooMany", std::move(field),
          fmt::format("Too many: {}: must have at most {} items", actual, maximum)};
}

std::string ErrorSubject::qualified() const {
  return group.empty() ? fmt::format("{} \"{}\"", resource, name) : fmt::format("{}.{} \"{}\"", resource, group, name);
}

ApiError ApiError::badRequest(std::string message) {
  return {400, "BadRequest", std::move(message), json::object(), {}};
}

ApiError ApiError::noSuchPath() {
  return {404, "NotFound", "the server could not find the requested resource", json::object(), {}};
}

ApiError ApiError::notFound(const ErrorSubject& subject) {
  return {404, "NotFound", subject.qualified() + " not found", detailsOf(subject, subject.resource), {}};
}

ApiError ApiError::alreadyExists(const ErrorSubject& subject) {
  return {409, "AlreadyExists", subject.qualified() + " already exists", detailsOf(subject, subject.resource), {}};
}

ApiError ApiError::conflict(const ErrorSubject& subject, std::string_view why) {
  return {409,
          "Conflict",
          fmt::format("Operation cannot be fulfilled on {}: {}", subject.qualified(), why),
          detailsOf(subject, subject.resource),
          {}};
}

ApiError ApiError::invalid(const ErrorSubject& subject, const std::vector<FieldError>& errors) {
  std::vector<std::string> texts;
  json details = detailsOf(subject, subject.kind);
  for (const FieldError& error : errors) {
    texts.push_back(error.field + ": " + error.message);
    details["causes"].push_back({{"reason", error.reason}, {"message", error.message}, {"field", error.field}});
  }
  std::string kind = subject.group.empty() ? subject.kind : subject.kind + "." + subject.group;
  std::string list = texts.size() == 1 ? texts.front() : fmt::format("[{}]", fmt::join(texts, ", "));
  return {422, "Invalid", fmt::format("{} \"{}\" is invalid: {}", kind, subject.name, list), std::move(details), {}};
}

ApiError ApiError::methodNotAllowed() {
  return {
      405, "MethodNotAllowed", "the server does not allow this method on the requested resource", json::object(), {}};
}

ApiError ApiError::unsupportedMediaType(std::string_view mediaType) {
  return {415,
          "UnsupportedMediaType",
          fmt::format("the body of the request was in an unknown format - {} is not an accepted media type", mediaType),
          json::object(),
          {}};
}

ApiError ApiError::expired(std::string message) {
  return {410, "Expired", std::move(message), json::object(), {}};
}

ApiError ApiError::tooLargeResourceVersion(std::uint64_t asked, std::uint64_t current) {
  std::string message = fmt::format("Too large resource version: {}, current: {}", asked, current);
  json cause = {{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}};
  return {504, "Timeout", "Timeout: " + message, {{"causes", json::array({cause})}, {"retryAfterSeconds", 1}}, 1};
}

ApiError ApiError::internal(std::string message) {
  return {500, "InternalError", std::move(message), json::object(), {}};
}

json ApiError::toJson() const {
  return {{"kind", "Status"},   {"apiVersion", "v1"}, {"metadata", json::object()}, {"status", "Failure"},
          {"message", message}, {"reason", reason},   {"details", details},         {"code", code}};
}

kube::HttpResponse ApiError::toResponse() const {
  kube::HttpResponse response;
  response.status = code;
  response.body = toJson().dump(-1, ' ', false, json::error_handler_t::replace);
  if (retryAfterSeconds) {
    response.retryAfter = std::chrono::seconds(*retryAfterSeconds);
  }
  return response;
}

Status statusOfResponse(const kube::HttpResponse& response) {
  if (response.status < 300) {
    return {};
  }
  json body = json::parse(response.body, nullptr, false);
  bool isStatus = body.is_object() && body.contains("message") && body["message"].is_string();
  std::string message = isStatus ? body["message"].get<std::string>() : response.body;
  bool exists = isStatus && body.contains("reason") && body["reason"] == "AlreadyExists";
  switch (response.status) {
    case 400:
    case 422:
      return {Code::invalidArgument, message};
    case 401:
      return {Code::unauthenticated, message};
    case 403:
      return {Code::permissionDenied, message};
    case 404:
      return {Code::notFound, message};
    case 409:
      return {exists ? Code::alreadyExists : Code::conflict, message};
    case 410:
      return {Code::expired, message};
    case 429:
    case 503:
      return {Code::unavailable, message};
    default:
      return {Code::internal, message};
  }
}

}  // namespace simgpu::standin
