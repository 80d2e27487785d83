#pragma once

#include <functional>
#include <string>

#include "simgpu/base/clock.h"
#include "simgpu/kube/transport.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::kube {

/// What a request asks for, in the words of RBAC: the verb (`get`, `list`, `watch`, `create`, `update`, `patch`,
/// `delete`, `deletecollection`) and the resource with its subresource (`resourceclaims/status`).
struct RequestKind {
  std::string verb;
  std::string resource;  ///< `other` if the target is not that of a resource.

  bool operator==(const RequestKind&) const = default;
};
RequestKind kindOf(const HttpRequest& request);

/// Counts requests to the API server, and measures how long they take.
class RequestMeter {
 public:
  RequestMeter(metrics::Registry& registry, const base::Clock& clock);

  /// To be called once, when the request that begins now is over: with the status of the answer, or 0 if there is none.
  /// A watch lasts as long as it may, so its duration is not measured.
  std::function<void(int status)> begin(const HttpRequest& request);

 private:
  metrics::Family<metrics::Counter>& requests_;
  metrics::Family<metrics::Histogram>& durations_;
  const base::Clock& clock_;
};

}  // namespace simgpu::kube
