#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/claim/service.h"

namespace simgpu::kubelet {

/// The calls of DRAPlugin, free of gRPC: asks `claim::Service`, bounds how much it is asked at once, and logs.
///
/// A call without claims is answered at once, always: drivers probe themselves with it. At most `slots` other Prepares
/// run, and at most `queue` wait their turn; what comes on top is refused, so that memory is bounded. Unprepares never
/// wait, because a Prepare may wait for one.
class ClaimCalls {
 public:
  static constexpr std::size_t kSlots = 256;
  /// A kubelet has at most one call for each of its pods under way, so this is never reached in earnest.
  static constexpr std::size_t kQueue = 1024;

  /// What became of one claim; the errors carry the prefix that users know from the reference driver.
  struct Prepared {
    std::string uid;
    Result<claim::PreparedClaim> result;
  };
  struct Unprepared {
    std::string uid;
    Status status;
  };

  ClaimCalls(claim::Service& service, base::Clock& clock, base::Logger log, std::size_t slots = kSlots,
             std::size_t queue = kQueue)
      : service_(service), clock_(clock), log_(std::move(log)), slots_(slots), queue_(queue) {}

  /// One entry for each UID, however often the UID is asked for. Fails if no claim was looked at: cancelled,
  /// deadlineExceeded, resourceExhausted (too many wait) or unavailable (shutting down); and with unavailable if a
  /// claim was given up because of the shutdown.
  Result<std::vector<Prepared>> prepare(std::vector<claim::ClaimRef> claims, const claim::CallContext& call);
  Result<std::vector<Unprepared>> unprepare(std::vector<claim::ClaimRef> claims, const claim::CallContext& call);

  /// Calls that wait for their turn fail, and so do later ones. Prepares that run are told to give up after `grace`.
  void close(base::Clock::Duration grace);

 private:
  class Slot;

  Status enter(const claim::CallContext& call);
  Status awaitTurn(std::unique_lock<std::mutex>& lock, const claim::CallContext& call);
  void leave();
  bool isOver() const { return clock_.now() >= end_.load(); }
  void logPrepared(const claim::PreparedClaim& prepared) const;

  claim::Service& service_;
  base::Clock& clock_;
  base::Logger log_;
  const std::size_t slots_;
  const std::size_t queue_;
  std::atomic<base::Clock::TimePoint> end_ = base::Clock::TimePoint::max();  ///< Of what runs.

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  bool closed_ = false;
};

/// The devices of a claim in the form in which the reference driver logs them.
std::string devicesForLog(std::span<const claim::PreparedDevice> devices);

}  // namespace simgpu::kubelet
