#include "simgpu/claim/status_writer.h"

#include <algorithm>
#include <utility>

#include "simgpu/claim/device_status.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;

constexpr auto kRequestTimeout = 15s;
constexpr auto kFirstPause = 200ms;
constexpr auto kLongestPause = 1min;
/// However long a server asks us to stay away.
constexpr std::chrono::seconds kLongestRetryAfter = 5min;
/// With the pauses above, about five minutes.
constexpr int kMaxAttempts = 14;

}  // namespace

StatusWriter::StatusWriter(const device::Inventory& inventory, Store& store, kube::Client& api, base::Clock& clock,
                           base::Random& random, base::Logger log)
    : inventory_(inventory),
      store_(store),
      api_(api),
      clock_(clock),
      random_(random),
      log_(std::move(log)),
      manager_(inventory.node().driverName + "/kubelet-plugin"),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

StatusWriter::~StatusWriter() = default;

void StatusWriter::prepared(const kube::ResourceClaim& claim) {
  if (!claim.allocation) {
    return;
  }
  auto devices = describeDevices(inventory_, *claim.allocation);
  if (saysAlready(claim, devices)) {
    return;
  }
  const std::string& uid = claim.metadata.uid;
  std::lock_guard guard(mutex_);
  if (jobs_.size() >= kMaxQueued && !jobs_.contains(uid)) {
    log_.warning("Too many claims wait for their device status; leaving one out",
                 {{"uid", uid}, {"namespace", claim.metadata.space}, {"name", claim.metadata.name}});
    return;
  }
  jobs_.insert_or_assign(uid, Job{.claim = {.name = claim.metadata.name, .space = claim.metadata.space, .uid = uid},
                                  .devices = std::move(devices),
                                  .due = clock_.now(),
                                  .backoff = base::Backoff(kFirstPause, kLongestPause, random_)});
  hasNews_ = true;
  changed_.notify_all();
}

void StatusWriter::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    auto next = std::ranges::min_element(jobs_, {}, [](const auto& entry) { return entry.second.due; });
    auto wake = next == jobs_.end() ? base::Clock::TimePoint::max() : next->second.due;
    clock_.waitUntil(lock, changed_, wake, stop, [this] { return std::exchange(hasNews_, false); });
    next = std::ranges::find_if(jobs_, [now = clock_.now()](const auto& entry) { return entry.second.due <= now; });
    if (next != jobs_.end() && !stop.stop_requested()) {
      Job job = std::move(jobs_.extract(next).mapped());
      lock.unlock();
      write(std::move(job), stop);
    }
  }
}

void StatusWriter::write(Job job, const std::stop_token& stop) {
  auto record = store_.find(job.claim.uid);
  if (record && !*record) {
    return;  // unprepared meanwhile
  }
  if (!record) {
    retry(std::move(job), record.error());
    return;
  }
  auto stored = api_.applyDeviceStatus(job.claim, job.devices, manager_, {clock_.now() + kRequestTimeout, stop});
  if (stored) {
    noteStored(job, *stored);
  } else if (!stop.stop_requested()) {
    handleFailure(std::move(job), stored.error());
  }
}

void StatusWriter::handleFailure(Job job, const Status& failure) {
  switch (failure.code()) {
    case Code::notFound:
      log_.v(2).info("A claim is gone before its device status was written", {{"reason", failure.message()}});
      return;
    case Code::permissionDenied:
      if (!std::exchange(explainedRights_, true)) {
        log_.error(failure,
                   "Cannot write the status of devices; give the driver the right, or leave out "
                   "--gpu-device-status. Not said again until it works");
      }
      return;
    case Code::invalidArgument:
    case Code::unimplemented:
      log_.error(failure, "The API server refuses the device status of a claim", {{"uid", job.claim.uid}});
      return;
    default:
      retry(std::move(job), failure);
  }
}

void StatusWriter::retry(Job job, const Status& failure) {
  if (++job.attempts >= kMaxAttempts) {
    log_.error(failure, "Gave up writing the device status of a claim", {{"uid", job.claim.uid}});
    return;
  }
  auto asked = std::min(failure.retryAfter().value_or(0s), kLongestRetryAfter);
  job.due = clock_.now() + std::max<base::Clock::Duration>(job.backoff.next(), asked);
  log_.v(2).info("Cannot write the device status of a claim yet",
                 {{"uid", job.claim.uid}, {"reason", failure.message()}});
  std::lock_guard guard(mutex_);
  jobs_.try_emplace(job.claim.uid, job);  // unless a newer one is there
}

void StatusWriter::noteStored(const Job& job, const kube::ResourceClaim& stored) {
  explainedRights_ = false;
  if (saysAlready(stored, job.devices)) {
    log_.v(2).info("Wrote the device status of a claim", {{"uid", job.claim.uid}, {"devices", job.devices.size()}});
  } else if (!std::exchange(explainedDropped_, true)) {
    log_.warning(
        "The API server dropped the status of devices, probably because its feature gate "
        "DRAResourceClaimDeviceStatus is off");
  }
}

}  // namespace simgpu::claim
