#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace simgpu::kubelet {

/// A door that calls stop at until the test opens it.
class Gate {
 public:
  /// Waits until the gate is open.
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }

  void open() {
    std::lock_guard guard(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  /// Whether `count` calls come to stand at the gate within ten seconds.
  bool awaitWaiting(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t waiting_ = 0;
  bool open_ = false;
};

}  // namespace simgpu::kubelet
