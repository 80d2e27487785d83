#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/kube/transport.h"
#include "simgpu/kube/types.h"
#include "simgpu/kube/watch.h"

namespace simgpu::kube {

/// `--kube-api-qps` and `--kube-api-burst`, for everything but reads of claims. qps <= 0: no limit.
struct RateLimit {
  double qps = 5;
  int burst = 10;
};

/// How long a caller waits for an answer: until a deadline, or until it is told to stop. A request that nobody waits
/// for any more goes on until its deadline; what it answers is lost.
struct Wait {
  Wait(base::Clock::TimePoint until, std::stop_token whenStopped = {})  // NOLINT(google-explicit-constructor)
      : deadline(until), stop(std::move(whenStopped)) {}

  base::Clock::TimePoint deadline;
  std::stop_token stop;
};

/// A read that is under way, so that several can be at once.
class PendingClaim {
 public:
  PendingClaim(std::future<Result<HttpResponse>> response, std::string space, std::string name);

  /// Waits for the answer, at the latest until the deadline given at the start. notFound if the claim does not exist;
  /// unavailable if the server cannot be reached, fails (5xx) or has too much to do (429); cancelled soon after
  /// `cancelled()` became true. Call once.
  Result<ResourceClaim> get(const std::function<bool()>& cancelled = [] { return false; });

  /// Whether `get()` would not wait.
  bool ready() const;

 private:
  std::future<Result<HttpResponse>> response_;
  std::string space_;
  std::string name_;
};

/// The requests of a DRA driver to `resource.k8s.io/v1` and `v1`, typed. Knows HTTP statuses and the API's `Status`
/// object; makes exactly one request a call (beside pages of a list) unless it says otherwise. Safe to use from several
/// threads.
///
/// A message of a failure reads `<operation>: the API server answered 403 Forbidden: <its message>`, with a hint at the
/// right that is missing; `Status::retryAfter()` is set when the server sent `Retry-After`. Where `resource.k8s.io/v1`
/// is not served at all, the code is unimplemented and the message names the Kubernetes version that is needed. An
/// answer that cannot be understood is dataLoss.
class Client {
 public:
  Client(Transport& transport, base::Clock& clock, RateLimit limit, base::Logger log);
  ~Client();

  /// Starts reading a claim. Never throttled.
  PendingClaim startGetClaim(std::string_view space, std::string_view name, base::Clock::TimePoint deadline);

  /// The claims of the cluster that are `wanted`, over all pages. The API server selects none itself: for rare
  /// occasions. Those that cannot be understood are left out. `wanted` may be asked twice about a claim.
  Result<ResourceClaimList> listClaims(const std::function<bool(const ResourceClaim&)>& wanted, const Wait& wait);

  /// Of all namespaces; `wake` as for slices.
  std::unique_ptr<Watch<ResourceClaim>> watchClaims(std::string_view resourceVersion, std::function<void()> wake);

  /// `GET /version`, which every authenticated user may read unless an administrator took that away.
  Result<ServerVersion> getServerVersion(const Wait& wait);

  Result<Node> getNode(std::string_view name, const Wait& wait);

  /// All slices of a driver on a node, over all pages.
  Result<ResourceSliceList> listSlices(std::string_view driver, std::string_view nodeName, const Wait& wait);

  /// `wake` is called from another thread whenever the watch has something to take. Do not destroy the watch while
  /// holding a lock that `wake` takes.
  std::unique_ptr<Watch<ResourceSlice>> watchSlices(std::string_view driver, std::string_view nodeName,
                                                    std::string_view resourceVersion, std::function<void()> wake);

  /// Answers the slice as the server stored it, which may lack fields that the server does not know.
  Result<ResourceSlice> createSlice(const ResourceSlice& slice, const Wait& wait);

  /// Replaces the slice of that name; conflict if `metadata.resourceVersion` is not the stored one.
  Result<ResourceSlice> updateSlice(const ResourceSlice& slice, const Wait& wait);

  /// Deletes exactly this object (UID precondition). That it is gone already is success.
  Status deleteSlice(const ObjectMeta& slice, const Wait& wait);

  /// Makes these the device statuses of the claim that `manager` has written (server-side apply): what it wrote before
  /// and is not among them disappears, everything else in the claim stays as it is. Answers the claim as the server
  /// stored it.
  ///
  /// notFound if the claim is gone or its name belongs to another UID by now; permissionDenied, with the missing right,
  /// also if the server asks for a right on `resourceclaims/driver` (Kubernetes 1.36 and newer).
  Result<ResourceClaim> applyDeviceStatus(const ObjectMeta& claim, const std::vector<AllocatedDeviceStatus>& devices,
                                          std::string_view manager, const Wait& wait);

  Status createEvent(const Event& event, const Wait& wait);

  /// Sets count and last time of the Event of that name, which has happened again. notFound if it has expired.
  Status repeatEvent(const Event& event, const Wait& wait);

 private:
  class Throttle;

  /// `target` has a query already; `seed` spreads the ends of the watches of many processes.
  template <typename Object>
  std::unique_ptr<Watch<Object>> watch(std::string target, std::string_view seed, std::string_view resourceVersion,
                                       std::function<void()> wake);

  /// Sends a request in its turn, and logs what the server warns of.
  Result<HttpResponse> send(std::string_view what, HttpRequest request, const Wait& wait);

  Transport& transport_;
  base::Clock& clock_;
  base::Logger log_;
  std::unique_ptr<Throttle> throttle_;
};

}  // namespace simgpu::kube
