#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "simgpu/base/backoff.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/random.h"
#include "simgpu/claim/preparer.h"
#include "simgpu/claim/store.h"
#include "simgpu/kube/client.h"
#include "simgpu/kube/event_sink.h"

namespace simgpu::claim {

/// Writes the specs of prepared claims again after somebody deleted them, for example by wiping the CDI directory: the
/// kubelet does not ask for a claim twice, so containers that start again would find no device.
///
/// A claim is prepared anew from what the API server says: if it is still allocated, and reserved for a pod. One that
/// was unprepared meanwhile is not (`Store::beginRestore`). Which specs are lost, the store knows while it runs; what
/// was lost before it started is found in the list of all claims, if the rights allow it. Each restored claim gets an
/// Event.
///
/// Looks at the directory every five seconds, which asks the API server nothing as long as nothing is lost.
class Restorer {
 public:
  /// Starts its thread. All parts must outlive this object.
  Restorer(Store& store, Preparer& preparer, const device::Inventory& inventory, kube::Client& api, base::Clock& clock,
           base::Random& random, kube::EventSink& events, base::Logger log);

  /// Stops the thread; an API request that is under way is not waited for.
  ~Restorer();

 private:
  void run(const std::stop_token& stop);
  bool restoreLost(const std::stop_token& stop);
  bool findEarlier(const std::stop_token& stop);
  bool restore(const ClaimRef& claim, const std::stop_token& stop);

  Store& store_;
  Preparer& preparer_;
  const device::Inventory& inventory_;
  kube::Client& api_;
  base::Clock& clock_;
  base::Random& random_;
  kube::EventSink& events_;
  base::Logger log_;

  std::mutex mutex_;
  std::condition_variable_any never_;  ///< The thread only waits for time to pass.
  std::jthread thread_;                ///< Last: it uses everything above.
};

}  // namespace simgpu::claim
