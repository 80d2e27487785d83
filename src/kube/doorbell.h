#pragma once

#include <mutex>

#include <curl/curl.h>

namespace simgpu::kube {

/// Wakes the network thread, from any thread and at any time: also when that thread has ended already.
class Doorbell {
 public:
  explicit Doorbell(CURLM* multi) : multi_(multi) {}

  void ring() {
    std::lock_guard lock(mutex_);
    if (multi_) {
      curl_multi_wakeup(multi_);
    }
  }

  void disconnect() {
    std::lock_guard lock(mutex_);
    multi_ = nullptr;
  }

 private:
  std::mutex mutex_;
  CURLM* multi_;
};

}  // namespace simgpu::kube
