#include "simgpu/claim/reporter.h"

#include <chrono>
#include <utility>

namespace simgpu::claim {
namespace {

constexpr std::chrono::seconds kRequestTimeout{10};

}  // namespace

void reportOnClaim(kube::Client& api, base::Clock& clock, const Reporter& reporter, const ClaimRef& claim,
                   std::string_view reason, std::string message, const base::Logger& log, const std::stop_token& stop) {
  kube::Event event{.about = {.apiVersion = "resource.k8s.io/v1",
                              .kind = "ResourceClaim",
                              .space = claim.space,
                              .name = claim.name,
                              .uid = claim.uid},
                    .type = "Warning",
                    .reason = std::string(reason),
                    .message = std::move(message),
                    .component = reporter.component,
                    .host = reporter.node,
                    .time = clock.wallTime()};
  if (Status told = api.createEvent(event, {clock.now() + kRequestTimeout, stop}); !told) {
    log.v(2).info("Cannot create an Event", {{"reason", told.message()}});
  }
}

}  // namespace simgpu::claim
