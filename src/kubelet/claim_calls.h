#pragma once

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
/// run; the others wait their turn. Unprepares never wait, because a Prepare may wait for one.
class ClaimCalls {
 public:
  static constexpr std::size_t kSlots = 256;

  /// What became of one claim; the errors carry the prefix that users know from the reference driver.
  struct Prepared {
    std::string uid;
    Result<claim::PreparedClaim> result;
  };
  struct Unprepared {
    std::string uid;
    Status status;
  };

  ClaimCalls(claim::Service& service, base::Clock& clock, base::Logger log, std::size_t slots = kSlots)
      : service_(service), clock_(clock), log_(std::move(log)), slots_(slots) {}

  /// One entry for each UID, however often the UID is asked for. Fails only if no claim was looked at: cancelled,
  /// deadlineExceeded or unavailable (shutting down).
  Result<std::vector<Prepared>> prepare(std::vector<claim::ClaimRef> claims, const claim::CallContext& call);
  Result<std::vector<Unprepared>> unprepare(std::vector<claim::ClaimRef> claims, const claim::CallContext& call);

  /// Calls that wait for their turn fail, and so do later ones.
  void close();

 private:
  class Slot;

  Status enter(const claim::CallContext& call);
  void leave();
  void logPrepared(const claim::PreparedClaim& prepared) const;

  claim::Service& service_;
  base::Clock& clock_;
  base::Logger log_;
  const std::size_t slots_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t running_ = 0;
  bool closed_ = false;
};

/// The devices of a claim in the form in which the reference driver logs them.
std::string devicesForLog(std::span<const claim::PreparedDevice> devices);

}  // namespace simgpu::kubelet
