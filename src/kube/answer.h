#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"
#include "simgpu/kube/json.h"
#include "simgpu/kube/transport.h"

namespace simgpu::kube {

/// A request as a person would name it, and the right it needs: what a message about its failure says.
struct Operation {
  std::string what;           ///< `read ResourceClaim a/b`
  std::string_view verb;      ///< `get`
  std::string_view resource;  ///< `resourceclaims`
  std::string_view group;     ///< `resource.k8s.io`; empty for the core group.
};

/// ok for a 2xx; otherwise what the API's `Status` object in the body, or its text, says: `<operation>: the API server
/// answered 403 Forbidden: <message> (needs "get" on resourceclaims in the API group resource.k8s.io)`.
///
/// 404 is notFound if the answer names the object. If it does not, nobody serves that path: unimplemented for
/// `resource.k8s.io`. 429 and 5xx are unavailable, 410 is expired, 422 is invalidArgument.
Status statusOfAnswer(const Operation& operation, const HttpResponse& response);

/// The same for a `Status` object that came in another way (an ERROR event of a watch).
Status statusOfObject(const Operation& operation, const nlohmann::json& object);

/// The body of a 2xx answer, decoded by `decode`, which gets its bytes.
template <typename Decode>
auto decodeBody(const Operation& operation, const Result<HttpResponse>& response, const Decode& decode)
    -> decltype(decode(std::string_view())) {
  if (!response) {
    return unexpected(response.error().with("{}", operation.what));
  }
  if (auto status = statusOfAnswer(operation, *response); !status.ok()) {
    return unexpected(std::move(status));
  }
  auto value = decode(response->body);
  if (!value) {
    return unexpected(value.error().with("{}: the API server's answer cannot be understood", operation.what));
  }
  return value;
}

/// The JSON of a 2xx answer, decoded by `decode` (from json.h).
template <typename T>
Result<T> decodeAnswer(const Operation& operation, const Result<HttpResponse>& response,
                       Result<T> (*decode)(const nlohmann::json&)) {
  return decodeBody(operation, response, [decode](std::string_view body) {
    auto document = parseJson(body);
    return document ? decode(*document) : Result<T>(unexpected(document.error()));
  });
}

}  // namespace simgpu::kube
