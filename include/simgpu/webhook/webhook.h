#pragma once

#include <string>

#include "simgpu/base/log.h"
#include "simgpu/device/profile.h"
#include "simgpu/http/server.h"

namespace simgpu::webhook {

/// Where the API server sends its reviews.
inline constexpr std::string_view kReviewPath = "/validate-resource-claim-parameters";
inline constexpr std::string_view kReadyPath = "/readyz";

/// No review of the API server is larger: it has two versions of an object of at most 3 MiB each at the very most.
inline constexpr std::size_t kMaxReviewBytes = 8u << 20;

/// A validating admission webhook for the opaque parameters of ResourceClaims and ResourceClaimTemplates: it says at
/// their creation what NodePrepareResources would say when a pod starts. Verdicts and messages are those of
/// dra-example-driver's `dra-example-webhook`, except where that crashes or refuses what Prepare accepts.
///
/// - `POST /validate-resource-claim-parameters` takes an `admission.k8s.io/v1 AdmissionReview` of a claim or template
///   in `resource.k8s.io/v1`, `v1beta2` or `v1beta1`. Parameters for other drivers are let through undecoded. 415 if it
///   is not JSON by its Content-Type, 400 if it is no such review.
/// - `/readyz` answers `ok`.
///
/// Safe to call from several threads.
http::Server::Handler makeHandler(device::Profile profile, std::string driverName, base::Logger log);

}  // namespace simgpu::webhook
