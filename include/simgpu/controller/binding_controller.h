#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "simgpu/base/backoff.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/random.h"
#include "simgpu/controller/binding_rules.h"
#include "simgpu/controller/claim_feed.h"
#include "simgpu/kube/client.h"

namespace simgpu::controller {

/// The plugin BindingConditions: tells the scheduler of each allocated device of one driver that it became ready, or
/// failed to, by setting its binding conditions in `status.devices` of the claim. The scheduler binds the pod only
/// then.
///
/// Server-side apply with a field manager of its own (`<driver>/controller`), so that what a kubelet plugin or others
/// write about the same devices stays. One thread: watches all claims, keeps only those that need something, and writes
/// one after the other. A claim whose write fails is tried again with growing pauses until it needs nothing any more,
/// and holds up no other. A right that is missing is explained once.
class BindingController {
 public:
  /// Starts its thread. All parts must outlive this object.
  BindingController(BindingRules rules, kube::Client& api, base::Clock& clock, base::Random& random, base::Logger log);

  /// Stops the thread; an API request that is under way is not waited for.
  ~BindingController();

  /// Whether it knows all claims of the cluster and learns of changes.
  bool ready() const { return ready_; }

 private:
  using Key = std::pair<std::string, std::string>;  ///< Namespace and name.

  struct Work {
    kube::ObjectMeta claim;
    BindingStep step;
    base::Clock::TimePoint due;
    base::Backoff backoff;
  };

  /// A write whose event is still to come.
  struct Written {
    std::string uid;
    std::string resourceVersion;
  };

  void run(const std::stop_token& stop);
  base::Clock::TimePoint due() const;
  void consider(const kube::ResourceClaim& claim);
  void forget(const kube::ObjectMeta& claim);
  void writeNext(const std::stop_token& stop);
  void write(const Key& key, Work work, const std::stop_token& stop);
  void handleFailure(const Key& key, Work work, const Status& failure);

  const BindingRules rules_;
  const std::string manager_;
  kube::Client& api_;
  base::Clock& clock_;
  base::Random& random_;
  base::Logger log_;
  std::atomic<bool> ready_ = false;

  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool hasNews_ = false;

  // Used by the thread alone.
  std::map<Key, Work> works_;
  std::map<Key, Written> written_;
  bool explainedRights_ = false;
  ClaimFeed feed_;

  std::jthread thread_;  ///< Last: it uses everything above.
};

}  // namespace simgpu::controller
