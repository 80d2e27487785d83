#include "kube/answer.h"
#include "kube/await.h"
#include "simgpu/kube/client.h"

namespace simgpu::kube {

PendingClaim::PendingClaim(std::future<Result<HttpResponse>> response, std::string space, std::string name)
    : response_(std::move(response)), space_(std::move(space)), name_(std::move(name)) {}

Result<ResourceClaim> PendingClaim::get(const std::function<bool()>& cancelled) {
  const Operation operation{
      .what = fmt::format("read ResourceClaim {}/{}", space_, name_),
      .verb = "get",
      .resource = "resourceclaims",
      .group = "resource.k8s.io",
  };
  auto claim = decodeAnswer(operation, awaitAnswer(std::move(response_), cancelled), resourceClaimFromJson);
  if (claim && claim->metadata.uid.empty()) {
    return unexpected(Status::dataLoss("{}: what the API server answered is no ResourceClaim", operation.what));
  }
  return claim;
}

bool PendingClaim::ready() const {
  return !response_.valid() || response_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace simgpu::kube
