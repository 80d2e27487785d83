#include "kube/answer.h"
#include "kube/await.h"
#include "kube/protobuf_decode.h"
#include "simgpu/kube/client.h"

namespace simgpu::kube {
namespace {

Result<ResourceClaim> claimFrom(std::string_view body) {
  if (isProtobuf(body)) {
    return resourceClaimFromProtobuf(body);
  }
  auto document = parseJson(body);
  return document ? resourceClaimFromJson(*document) : unexpected(document.error());
}

}  // namespace

PendingClaim::PendingClaim(std::future<Result<HttpResponse>> response, std::string space, std::string name)
    : response_(std::move(response)), space_(std::move(space)), name_(std::move(name)) {}

Result<ResourceClaim> PendingClaim::get(const std::function<bool()>& cancelled) {
  const Operation operation{
      .what = fmt::format("read ResourceClaim {}/{}", space_, name_),
      .verb = "get",
      .resource = "resourceclaims",
      .group = "resource.k8s.io",
  };
  auto claim = decodeBody(operation, awaitAnswer(std::move(response_), cancelled), claimFrom);
  if (claim && claim->metadata.uid.empty()) {
    return unexpected(Status::dataLoss("{}: what the API server answered is no ResourceClaim", operation.what));
  }
  return claim;
}

bool PendingClaim::ready() const {
  return !response_.valid() || response_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace simgpu::kube
