#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "simgpu/base/backoff.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/random.h"
#include "simgpu/kube/client.h"
#include "simgpu/kube/watch_pace.h"

namespace simgpu::controller {

/// All claims of the cluster, as they are and as they change: lists them page by page, watches from there, resumes a
/// watch that the server ended, and lists again where it cannot. Keeps nothing of them but the resourceVersion. Not
/// thread-safe, and never blocks but for the list.
class ClaimFeed {
 public:
  struct Listener {
    std::function<void()> startOver;  ///< All that was told so far is void; what there is follows.
    std::function<void(const kube::ResourceClaim&)> present;  ///< New or changed, maybe told twice.
    std::function<void(const kube::ObjectMeta&)> gone;
  };

  /// `wake` is called from another thread when `advance` has something to do before `due()`.
  ClaimFeed(kube::Client& api, base::Clock& clock, base::Random& random, Listener listener, std::function<void()> wake,
            base::Logger log);

  /// Does what is due.
  void advance(const std::stop_token& stop);

  /// When to call `advance` at the latest.
  base::Clock::TimePoint due() const;

  /// All claims have been told, and changes will be.
  bool complete() const { return listed_; }

 private:
  Status relist(const std::stop_token& stop);
  Status takeEvents();
  void tell(const kube::WatchEvent<kube::ResourceClaim>& event);
  void retryAfter(const Status& failure, std::string_view what);

  kube::Client& api_;
  base::Clock& clock_;
  const Listener listener_;
  const std::function<void()> wake_;
  base::Logger log_;

  bool listed_ = false;
  std::string resourceVersion_;
  std::unique_ptr<kube::Watch<kube::ResourceClaim>> watch_;
  base::Clock::TimePoint notBefore_{};  ///< No request before then.
  base::Backoff backoff_;
  kube::WatchPace watchPace_;
};

}  // namespace simgpu::controller
