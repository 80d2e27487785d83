#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "simgpu/base/backoff.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/random.h"
#include "simgpu/claim/store.h"
#include "simgpu/kube/client.h"
#include "simgpu/kube/event_sink.h"

namespace simgpu::claim {

/// Releases claims that are gone for good, when nobody else does: the kubelet unprepares what it knows of, but it
/// forgets everything when its own checkpoint is lost.
///
/// Suspects are the claims that were prepared before this process started, and those whose devices another claim was
/// refused because of. A suspect is released, with an Event, once two reads at least three minutes apart have found
/// that its claim is gone, replaced by one of another UID, or no longer allocated to what was prepared. Otherwise it is
/// no longer a suspect. So an idle node asks nothing.
class Sweeper {
 public:
  /// Told which suspects are none: the claim, as the API server has just answered it, has what was prepared for it.
  using StillThere = std::function<void(const kube::ResourceClaim& claim)>;

  /// Starts its thread. All parts must outlive this object.
  Sweeper(Store& store, kube::Client& api, base::Clock& clock, base::Random& random, std::string node,
          StillThere stillThere, kube::EventSink& events, Instruments& instruments, base::Logger log);

  /// Stops the thread; an API request that is under way is not waited for.
  ~Sweeper();

  /// Looks at a claim. From any thread, returns at once.
  void suspect(const ClaimRef& claim);

 private:
  struct Suspect {
    ClaimRef claim;
    base::Clock::TimePoint nextLook;
    std::optional<base::Clock::TimePoint> goneSince;
    std::optional<base::Backoff> backoff;  ///< Set while the API server does not answer.
  };

  void run(const std::stop_token& stop);
  bool suspectAll();
  void look(Suspect suspect, const std::stop_token& stop);
  void release(const Suspect& suspect);
  void keep(Suspect suspect);

  Store& store_;
  kube::Client& api_;
  base::Clock& clock_;
  base::Random& random_;
  const std::string node_;
  const StillThere stillThere_;
  kube::EventSink& events_;
  Instruments& instruments_;
  base::Logger log_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Suspect> suspects_;  ///< By UID.
  std::jthread thread_;                      ///< Last: it uses everything above.
};

}  // namespace simgpu::claim
