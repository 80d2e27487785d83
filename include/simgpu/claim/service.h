#pragma once

#include <functional>
#include <span>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/result.h"
#include "simgpu/claim/types.h"

namespace simgpu::claim {

/// What a caller of an RPC still wants.
struct CallContext {
  base::Clock::TimePoint deadline = base::Clock::TimePoint::max();
  std::function<bool()> cancelled = [] { return false; };  ///< Cheap; may become true at any time.
  /// Told by `prepare`, once, as soon as the reads of the claims are on their way: time for what need not come first.
  std::function<void()> underWay = [] {};
};

/// Preparing and unpreparing claims, as the kubelet asks for it. Both are idempotent, may run at once in any number of
/// threads, for the same claim too, and in other processes.
class Service {
 public:
  virtual ~Service() = default;

  /// One result a claim, in the order of `claims`. A claim that fails does not touch the others.
  virtual std::vector<Result<PreparedClaim>> prepare(std::span<const ClaimRef> claims, const CallContext& call) = 0;

  /// One result a claim, in the order of `claims`. Never talks to the API server; an unknown claim is success.
  virtual std::vector<Status> unprepare(std::span<const ClaimRef> claims, const CallContext& call) = 0;
};

}  // namespace simgpu::claim
