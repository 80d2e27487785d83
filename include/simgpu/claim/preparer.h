#pragma once

#include <functional>
#include <memory>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/random.h"
#include "simgpu/claim/instruments.h"
#include "simgpu/claim/service.h"
#include "simgpu/claim/store.h"
#include "simgpu/device/inventory.h"
#include "simgpu/kube/client.h"
#include "simgpu/kube/event_sink.h"

namespace simgpu::claim {

/// Prepares and unprepares claims: reads the claim from the API server, resolves its allocation, commits it to the
/// store.
///
/// Prepare always reads the claim first; a record that says what the allocation says is answered as it is, without a
/// write. While the API server cannot be reached, a record of this boot is the answer, and a claim without one is tried
/// again until shortly before the caller's deadline. A device that another claim has is waited for, because its
/// Unprepare may be on the way, and the kubelet would come back only after a minute.
class Preparer final : public Service {
 public:
  /// Told, in the thread of the call, what others want to know; must return at once.
  struct Listeners {
    /// Somebody was refused a device that this claim has.
    std::function<void(const ClaimRef& holder)> blockedBy = [](const ClaimRef&) {};
    /// This claim, as the API server has just answered it, is prepared, again or for the first time.
    std::function<void(const kube::ResourceClaim& claim)> prepared = [](const kube::ResourceClaim&) {};
  };

  /// All parts must outlive this object. `events` is told what the users of a claim should know beside the answer.
  Preparer(const device::Inventory& inventory, Store& store, kube::Client& api, base::Clock& clock,
           base::Random& random, Listeners listeners, kube::EventSink& events, Instruments& instruments,
           base::Logger log);

  std::vector<Result<PreparedClaim>> prepare(std::span<const ClaimRef> claims, const CallContext& call) override;
  std::vector<Status> unprepare(std::span<const ClaimRef> claims, const CallContext& call) override;

  /// Prepares a claim again whose spec was lost, once, without waiting for anything but its read. False if nobody needs
  /// that: the claim is gone, replaced, no longer allocated, or reserved for nobody.
  Result<bool> restore(const ClaimRef& claim, Store::Ticket ticket, const CallContext& call);

 private:
  struct Attempt;

  void read(std::vector<Attempt>& attempts, base::Clock::TimePoint deadline);
  Result<PreparedClaim> finish(Attempt& attempt, Result<kube::ResourceClaim> claim, const CallContext& call,
                               base::Clock::TimePoint patience);
  Result<PreparedClaim> commit(Attempt& attempt, Record record, const CallContext& call,
                               base::Clock::TimePoint patience);
  void tell(const Attempt& attempt, Store::Outcome outcome);
  Result<PreparedClaim> answerFromRecord(const ClaimRef& claim, const Status& cause);
  Status checkIdentity(const ClaimRef& wanted, const kube::ResourceClaim& found) const;
  bool pause(base::Clock::Duration duration, const CallContext& call);

  const device::Inventory& inventory_;
  Store& store_;
  kube::Client& api_;
  base::Clock& clock_;
  base::Random& random_;
  Listeners listeners_;
  kube::EventSink& events_;
  Instruments& instruments_;
  base::Logger log_;
};

}  // namespace simgpu::claim
