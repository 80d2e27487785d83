#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "simgpu/base/backoff.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/random.h"
#include "simgpu/claim/store.h"
#include "simgpu/device/inventory.h"
#include "simgpu/kube/client.h"

namespace simgpu::claim {

/// Writes what the devices of prepared claims are into the `status.devices` of the claims (`--gpu-device-status`),
/// after the Prepare and apart from it: no Prepare waits for it or fails because of it.
///
/// Server-side apply with a field manager of its own (`<driver>/kubelet-plugin`), so that entries of other drivers and
/// conditions of other controllers stay as they are. A claim that says everything already costs no request. Failures
/// that may pass are retried with growing pauses for some minutes; a right that is missing is explained once. A claim
/// that was unprepared, or replaced by one of another UID, is forgotten.
class StatusWriter {
 public:
  /// More than a node has claims: what comes beyond is not written, with a warning.
  static constexpr std::size_t kMaxQueued = 1000;

  /// Starts its thread. All parts must outlive this object.
  StatusWriter(const device::Inventory& inventory, Store& store, kube::Client& api, base::Clock& clock,
               base::Random& random, base::Logger log);

  /// Stops the thread; an API request that is under way is not waited for, and what is queued is not written.
  ~StatusWriter();

  /// This claim, as the API server has just answered it, is prepared. From any thread, returns at once.
  void prepared(const kube::ResourceClaim& claim);

 private:
  struct Job {
    kube::ObjectMeta claim;
    std::vector<kube::AllocatedDeviceStatus> devices;
    base::Clock::TimePoint due;
    base::Backoff backoff;
    int attempts = 0;
  };

  void run(const std::stop_token& stop);
  void write(Job job, const std::stop_token& stop);
  void handleFailure(Job job, const Status& failure);
  void retry(Job job, const Status& failure);
  void noteStored(const Job& job, const kube::ResourceClaim& stored);

  const device::Inventory& inventory_;
  Store& store_;
  kube::Client& api_;
  base::Clock& clock_;
  base::Random& random_;
  base::Logger log_;
  const std::string manager_;

  // Used by the thread alone.
  bool explainedRights_ = false;
  bool explainedDropped_ = false;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Job> jobs_;  ///< By UID.
  bool hasNews_ = false;
  std::jthread thread_;  ///< Last: it uses everything above.
};

}  // namespace simgpu::claim
