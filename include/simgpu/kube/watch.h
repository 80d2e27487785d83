#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "simgpu/base/result.h"
#include "simgpu/kube/transport.h"
#include "simgpu/kube/types.h"

namespace simgpu::kube {

enum class WatchEventType { added, modified, deleted, bookmark };

/// What happened to an object.
template <typename Object>
struct WatchEvent {
  WatchEventType type = WatchEventType::added;
  Object object;  ///< For a bookmark only `metadata.resourceVersion` is set.
};

/// A running watch, of ResourceSlices or of ResourceClaims.
template <typename Object>
class Watch {
 public:
  struct Batch {
    std::vector<WatchEvent<Object>> events;
    /// Set once the watch is over. ok: the server ended it, go on with a new watch from the last resourceVersion.
    /// expired: that is too old, list again. Anything else: pause, then list again.
    std::optional<Status> ended;
  };

  explicit Watch(std::unique_ptr<HttpStream> stream) : stream_(std::move(stream)) {}

  /// Never blocks. Nothing follows a batch that has `ended`.
  Batch take();

 private:
  std::unique_ptr<HttpStream> stream_;
  bool over_ = false;
};

extern template class Watch<ResourceSlice>;
extern template class Watch<ResourceClaim>;

}  // namespace simgpu::kube
