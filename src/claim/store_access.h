#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "simgpu/base/wait.h"
#include "simgpu/claim/store.h"

namespace simgpu::claim {

/// Holds both locks; `status` tells whether the index is up to date.
class Store::Access {
 public:
  explicit Access(Store& store) : guard_(store.mutex_) {
    if (status_ = lockFile(store); status_) {
      status_ = store.noteWhatWent(store.index_.refresh(*lock_));
    }
  }

  const Status& status() const { return status_; }
  base::FileLock& lock() { return *lock_; }

  /// Lets go of both, before something slow.
  void release() {
    lock_.reset();
    guard_.unlock();
  }

 private:
  static constexpr mode_t kMode = 0644;
  static constexpr std::chrono::seconds kPatience{10};
  static constexpr std::chrono::milliseconds kPoll{1};

  Status lockFile(Store& store) {
    auto lock = base::lockWithin(store.files_, store.clock_, store.options_.lockFile, kMode, kPatience, kPoll);
    if (lock) {
      lock_ = *std::move(lock);
      return {};
    }
    bool held = lock.error().code() == Code::failedPrecondition;
    return held ? Status::unavailable("lock the prepared claims: {}", lock.error().message())
                : lock.error().with("lock the prepared claims");
  }

  std::unique_lock<std::mutex> guard_;
  std::unique_ptr<base::FileLock> lock_;
  Status status_;
};

}  // namespace simgpu::claim
