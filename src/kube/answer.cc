#include "kube/answer.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "kube/json_node.h"
#include "kube/protobuf_decode.h"
#include "simgpu/base/utf8.h"

namespace simgpu::kube {
namespace {

/// A server that asks for more is not believed.
constexpr std::chrono::seconds kLongestRetryAfter{3600};

using nlohmann::json;

constexpr std::string_view kResourceGroup = "resource.k8s.io";

/// As much as a message can bear of what an API server says, and of an answer that is not a `Status` object.
constexpr std::size_t kMaxMessage = 4 << 10;
constexpr std::size_t kMaxText = 300;

std::optional<ApiStatus> apiStatusFrom(const json& object) {
  Status failure;
  const JsonNode root(object, failure);
  std::string kind;
  root["kind"].to(kind);
  ApiStatus status;
  std::int64_t code = 0;
  root["code"].to(code);
  root["reason"].to(status.reason);
  root["message"].to(status.message);
  const auto details = root["details"];
  std::string name;
  std::string objectKind;
  std::int64_t retryAfter = 0;
  details["name"].to(name);
  details["kind"].to(objectKind);
  details["retryAfterSeconds"].to(retryAfter);
  if (!failure.ok() || kind != "Status") {
    return std::nullopt;
  }
  status.code = static_cast<int>(std::clamp<std::int64_t>(code, 0, 999));
  status.namesObject = !name.empty() || !objectKind.empty();
  if (retryAfter > 0) {
    status.retryAfter = std::chrono::seconds(retryAfter);
  }
  return status;
}

std::optional<ApiStatus> apiStatusFrom(std::string_view body) {
  if (isProtobuf(body)) {
    return apiStatusFromProtobuf(body);
  }
  auto document = parseJson(body);
  return document ? apiStatusFrom(*document) : std::nullopt;
}

std::string_view phraseOf(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "";
  }
}

Code codeOf(int status, std::string_view reason) {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return Code::invalidArgument;
    case 401:
      return Code::unauthenticated;
    case 403:
      return Code::permissionDenied;
    case 404:
      return Code::notFound;
    case 405:
    case 406:
      return Code::unimplemented;
    case 409:
      return reason == "AlreadyExists" ? Code::alreadyExists : Code::conflict;
    case 410:
      return Code::expired;
    default:
      break;
  }
  // Redirects and the like come from something that is not an API server: it may be there again later.
  return status >= 400 && status < 500 && status != 429 && status != 408 ? Code::invalidArgument : Code::unavailable;
}

std::string hint(const Operation& operation, Code code) {
  if (code == Code::permissionDenied) {
    return operation.group.empty() ? fmt::format(" (needs \"{}\" on {})", operation.verb, operation.resource)
                                   : fmt::format(" (needs \"{}\" on {} in the API group {})", operation.verb,
                                                 operation.resource, operation.group);
  }
  if (code == Code::unimplemented && operation.group == kResourceGroup) {
    return " (it does not serve resource.k8s.io/v1: Kubernetes 1.34 or newer is needed, with that API enabled)";
  }
  return "";
}

Status describe(const Operation& operation, int httpStatus, const ApiStatus& status) {
  const auto said = base::excerpt(status.message, kMaxMessage);
  auto code = codeOf(httpStatus, status.reason);
  if (httpStatus == 404 && !status.namesObject && operation.group == kResourceGroup) {
    code = Code::unimplemented;
  }
  auto phrase = phraseOf(httpStatus);
  auto message = fmt::format("{}: the API server answered {}{}{}{}{}{}", operation.what, httpStatus,
                             phrase.empty() ? "" : " ", phrase, said.empty() ? "" : ": ", said, hint(operation, code));
  const auto retryAfter =
      status.retryAfter ? std::optional(std::min(*status.retryAfter, kLongestRetryAfter)) : std::nullopt;
  return Status(code, std::move(message)).withRetryAfter(retryAfter);
}

}  // namespace

Status statusOfAnswer(const Operation& operation, const HttpResponse& response) {
  if (response.status >= 200 && response.status < 300) {
    return {};
  }
  auto status = apiStatusFrom(std::string_view(response.body));
  if (!status) {
    status.emplace().message = base::excerpt(response.body, kMaxText);
  }
  if (response.retryAfter) {
    status->retryAfter = response.retryAfter;
  }
  return describe(operation, response.status, *status);
}

Status statusOfObject(const Operation& operation, const json& object) {
  auto status = apiStatusFrom(object);
  if (!status || status->code == 0) {
    return Status::dataLoss("{}: the API server reported an error that cannot be understood: {}", operation.what,
                            base::excerpt(dumpJson(object), kMaxText));
  }
  return describe(operation, status->code, *status);
}

}  // namespace simgpu::kube
