#include "kubelet/claim_calls.h"

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "simgpu/base/json_writer.h"

namespace simgpu::kubelet {
namespace {

/// How often a call that waits for its turn looks whether its caller has gone.
constexpr std::chrono::milliseconds kLookForCancellation{100};

void dropRepetitions(std::vector<claim::ClaimRef>& claims) {
  std::unordered_set<std::string> seen;
  std::erase_if(claims, [&](const claim::ClaimRef& claim) { return !seen.insert(claim.uid).second; });
}

Status shuttingDown() {
  return Status::unavailable("the driver is shutting down");
}

Status defect(std::size_t answers, std::size_t claims) {
  return Status::internal("defect in the driver: {} answers for {} claims", answers, claims);
}

}  // namespace

/// A turn, given back at the end of the scope.
class ClaimCalls::Slot {
 public:
  explicit Slot(ClaimCalls& calls) : calls_(calls) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { calls_.leave(); }

 private:
  ClaimCalls& calls_;
};

Result<std::vector<ClaimCalls::Prepared>> ClaimCalls::prepare(std::vector<claim::ClaimRef> claims,
                                                              const claim::CallContext& call) {
  std::vector<Prepared> answers;
  if (claims.empty()) {
    log_.v(4).info("PrepareResourceClaims is called", {{"numClaims", 0}});
    return answers;
  }
  auto logCall = [this, asked = claims.size()] {
    log_.info("PrepareResourceClaims is called", {{"numClaims", asked}});
  };
  dropRepetitions(claims);
  if (Status status = enter(call); !status) {
    logCall();
    log_.error(status, "Error preparing devices", {{"numClaims", claims.size()}});
    return unexpected(status);
  }
  Slot slot(*this);
  claim::CallContext untilEnd{.deadline = call.deadline,
                              .cancelled = [this, &call] { return isOver() || call.cancelled(); },
                              .underWay = logCall};
  auto results = service_.prepare(claims, untilEnd);
  if (results.size() != claims.size()) {
    return unexpected(defect(results.size(), claims.size()));
  }
  auto givenUp = [](const auto& result) { return !result && result.error().code() == Code::cancelled; };
  if (isOver() && std::ranges::any_of(results, givenUp)) {
    log_.error(shuttingDown(), "Error preparing devices", {{"numClaims", claims.size()}});
    return unexpected(shuttingDown());
  }
  answers.reserve(claims.size());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const claim::ClaimRef& ref = claims[i];
    if (results[i]) {
      logPrepared(*results[i]);
      answers.push_back({ref.uid, std::move(results[i])});
    } else {
      log_.error(results[i].error(), "Error preparing devices for claim",
                 {{"uid", ref.uid}, {"namespace", ref.space}, {"name", ref.name}});
      answers.push_back(
          {ref.uid, unexpected(results[i].error().with("error preparing devices for claim {}", ref.uid))});
    }
  }
  return answers;
}

Result<std::vector<ClaimCalls::Unprepared>> ClaimCalls::unprepare(std::vector<claim::ClaimRef> claims,
                                                                  const claim::CallContext& call) {
  std::vector<Unprepared> answers;
  if (claims.empty()) {
    log_.v(4).info("UnprepareResourceClaims is called", {{"numClaims", 0}});
    return answers;
  }
  log_.info("UnprepareResourceClaims is called", {{"numClaims", claims.size()}});
  dropRepetitions(claims);
  auto results = service_.unprepare(claims, call);
  if (results.size() != claims.size()) {
    return unexpected(defect(results.size(), claims.size()));
  }
  answers.reserve(claims.size());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const claim::ClaimRef& ref = claims[i];
    if (!results[i]) {
      log_.error(results[i], "Error unpreparing devices for claim",
                 {{"uid", ref.uid}, {"namespace", ref.space}, {"name", ref.name}});
    }
    answers.push_back({ref.uid, results[i].with("error unpreparing devices for claim {}", ref.uid)});
  }
  return answers;
}

void ClaimCalls::close(base::Clock::Duration grace) {
  end_ = clock_.now() + grace;
  std::lock_guard guard(mutex_);
  closed_ = true;
  changed_.notify_all();
}

Status ClaimCalls::enter(const claim::CallContext& call) {
  std::unique_lock lock(mutex_);
  if (!closed_ && running_ >= slots_ && waiting_ >= queue_) {
    return Status::resourceExhausted("too many calls at once: {} are running, and {} wait for their turn", running_,
                                     waiting_);
  }
  ++waiting_;
  Status turn = awaitTurn(lock, call);
  --waiting_;
  return turn;
}

Status ClaimCalls::awaitTurn(std::unique_lock<std::mutex>& lock, const claim::CallContext& call) {
  for (;;) {
    if (closed_) {
      return shuttingDown();
    }
    if (running_ < slots_) {
      ++running_;
      return {};
    }
    if (call.cancelled()) {
      return Status::cancelled("the caller gave up while {} other calls were running", running_);
    }
    auto now = clock_.now();
    if (now >= call.deadline) {
      return Status::deadlineExceeded("the deadline passed while {} other calls were running", running_);
    }
    auto until = call.deadline - now > kLookForCancellation ? now + kLookForCancellation : call.deadline;
    clock_.waitUntil(lock, changed_, until, std::stop_token(), [this] { return closed_ || running_ < slots_; });
  }
}

void ClaimCalls::leave() {
  std::lock_guard guard(mutex_);
  --running_;
  changed_.notify_one();
}

void ClaimCalls::logPrepared(const claim::PreparedClaim& prepared) const {
  log_.info(fmt::format("Returning newly prepared devices for claim '{}'", prepared.claim.uid),
            {{"uid", prepared.claim.uid}, {"devices", base::RawJson{devicesForLog(prepared.devices)}}});
}

std::string devicesForLog(std::span<const claim::PreparedDevice> devices) {
  base::JsonWriter json;
  json.open('[');
  for (const claim::PreparedDevice& device : devices) {
    json.open('{');
    json.key("Requests");
    json.texts(device.requests);
    json.key("PoolName");
    json.text(device.pool);
    json.key("DeviceName");
    json.text(device.device);
    json.key("CDIDeviceIDs");
    json.texts(device.cdiIds);
    json.key("ShareID");
    device.shareId.empty() ? json.null() : json.text(device.shareId);
    json.key("Metadata");
    json.null();
    json.close('}');
  }
  json.close(']');
  return std::move(json).take();
}

}  // namespace simgpu::kubelet
