#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "simgpu/claim/service.h"

namespace simgpu::kubelet {

/// A claim service that does as it is told and remembers what it was asked. Without instructions every claim gets
/// device `gpu-0` of pool `node-a`.
class FakeClaims final : public claim::Service {
 public:
  using Prepare = std::function<std::vector<Result<claim::PreparedClaim>>(std::span<const claim::ClaimRef>,
                                                                          const claim::CallContext&)>;
  using Unprepare = std::function<std::vector<Status>(std::span<const claim::ClaimRef>, const claim::CallContext&)>;

  /// To be set before the first call.
  Prepare onPrepare;
  Unprepare onUnprepare;

  static claim::PreparedClaim answerFor(const claim::ClaimRef& claim) {
    return {.claim = claim,
            .devices = {{.requests = {"gpu"},
                         .pool = "node-a",
                         .device = "gpu-0",
                         .shareId = "",
                         .cdiIds = {"k8s.gpu.example.com/gpu=" + claim.uid + "-gpu-0"}}}};
  }

  std::vector<Result<claim::PreparedClaim>> prepare(std::span<const claim::ClaimRef> claims,
                                                    const claim::CallContext& call) override {
    remember(claims);
    call.underWay();
    if (onPrepare) {
      return onPrepare(claims, call);
    }
    std::vector<Result<claim::PreparedClaim>> answers;
    for (const claim::ClaimRef& claim : claims) {
      answers.emplace_back(answerFor(claim));
    }
    return answers;
  }

  std::vector<Status> unprepare(std::span<const claim::ClaimRef> claims, const claim::CallContext& call) override {
    remember(claims);
    return onUnprepare ? onUnprepare(claims, call) : std::vector<Status>(claims.size());
  }

  /// The claims of each call so far.
  std::vector<std::vector<claim::ClaimRef>> asked() const {
    std::lock_guard guard(mutex_);
    return asked_;
  }

 private:
  void remember(std::span<const claim::ClaimRef> claims) {
    std::lock_guard guard(mutex_);
    asked_.emplace_back(claims.begin(), claims.end());
  }

  mutable std::mutex mutex_;
  std::vector<std::vector<claim::ClaimRef>> asked_;
};

}  // namespace simgpu::kubelet
