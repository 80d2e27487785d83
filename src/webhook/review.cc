#include "webhook/review.h"

#include <tuple>
#include <utility>

#include "simgpu/kube/json.h"
#include "webhook/go_text.h"

namespace simgpu::webhook {
namespace {

using nlohmann::json;

constexpr std::string_view kApiVersion = "admission.k8s.io/v1";
constexpr std::string_view kKind = "AdmissionReview";
constexpr std::string_view kNoType = "couldn't get version/kind; json parse error";

Status checkType(const json& document, std::string_view body) {
  if (!document.is_object() && !document.is_null()) {
    return Status::invalidArgument("{}: json: cannot unmarshal {} into Go value of type struct", kNoType,
                                   goTypeOf(document));
  }
  auto kind = textMember(document, "kind", {"", "kind", "string"});
  auto apiVersion = textMember(document, "apiVersion", {"", "apiVersion", "string"});
  for (const auto& [name, value] : {std::pair("Kind", &kind), std::pair("apiVersion", &apiVersion)}) {
    if (!*value) {
      return value->error().with("{}", kNoType);
    }
    if ((*value)->empty()) {
      constexpr std::size_t kLongestQuote = 200;
      return Status::invalidArgument("Object '{}' is missing in '{}'", name, body.substr(0, kLongestQuote));
    }
  }
  if (*kind != kKind || *apiVersion != kApiVersion) {
    return Status::invalidArgument(
        "no kind \"{}\" is registered for version \"{}\" in scheme \"pkg/runtime/scheme.go:111\"", *kind, *apiVersion);
  }
  return {};
}

Result<Review> readRequest(const json& request) {
  const json& resource = member(request, "resource");
  if (!resource.is_object() && !resource.is_null()) {
    return unexpected(mismatch(resource, {"AdmissionRequest", "request.resource", "v1.GroupVersionResource"}));
  }
  Review review;
  for (const auto& [object, key, field, into] : {
           std::tuple(&request, "uid", GoField{"AdmissionRequest", "request.uid", "types.UID"}, &review.uid),
           std::tuple(&request, "namespace", GoField{"AdmissionRequest", "request.namespace", "string"}, &review.space),
           std::tuple(&request, "name", GoField{"AdmissionRequest", "request.name", "string"}, &review.name),
           std::tuple(&resource, "group", GoField{"GroupVersionResource", "request.resource.group", "string"},
                      &review.group),
           std::tuple(&resource, "version", GoField{"GroupVersionResource", "request.resource.version", "string"},
                      &review.version),
           std::tuple(&resource, "resource", GoField{"GroupVersionResource", "request.resource.resource", "string"},
                      &review.resource),
       }) {
    auto text = textMember(*object, key, field);
    if (!text) {
      return unexpected(text.error());
    }
    *into = *std::move(text);
  }
  review.object = member(request, "object");
  review.oldObject = member(request, "oldObject");
  return review;
}

/// With its fields in the order of the reference driver's answers.
using Answer = nlohmann::ordered_json;

std::string answer(Answer response) {
  Answer review = {{"kind", kKind}, {"apiVersion", kApiVersion}, {"response", std::move(response)}};
  return review.dump(-1, ' ', false, Answer::error_handler_t::replace);
}

}  // namespace

Result<Review> parseReview(std::string_view body) {
  constexpr const char* kUndecodable = "request could not be decoded";
  auto document = body.empty() ? json() : kube::parseJson(body);
  if (!document) {
    return unexpected(Status::invalidArgument("{}: {}", kNoType, document.error().message()).with("{}", kUndecodable));
  }
  if (Status typed = checkType(*document, body); !typed) {
    return unexpected(typed.with("{}", kUndecodable));
  }
  const json& request = member(*document, "request");
  if (request.is_null()) {
    return unexpected(Status::invalidArgument("it has no request"));
  }
  if (!request.is_object()) {
    return unexpected(
        mismatch(request, {"AdmissionReview", "request", "v1.AdmissionRequest"}).with("{}", kUndecodable));
  }
  auto review = readRequest(request);
  return review ? review : unexpected(review.error().with("{}", kUndecodable));
}

std::string allow(const Review& review) {
  return answer({{"uid", review.uid}, {"allowed", true}});
}

std::string deny(const Review& review, const Denial& denial) {
  Answer status = {{"metadata", Answer::object()}, {"message", denial.message}, {"reason", denial.reason}};
  return answer({{"uid", review.uid}, {"allowed", false}, {"status", std::move(status)}});
}

}  // namespace simgpu::webhook
