#pragma once

#include <deque>
#include <mutex>

#include "simgpu/kube/transport.h"

namespace simgpu::fakes {

/// An API server that takes every request and never answers.
class SilentTransport final : public kube::Transport {
 public:
  std::future<Result<kube::HttpResponse>> send(kube::HttpRequest /*request*/) override {
    std::lock_guard guard(mutex_);
    return unanswered_.emplace_back().get_future();
  }

  std::unique_ptr<kube::HttpStream> stream(kube::HttpRequest /*request*/, std::chrono::seconds /*silence*/,
                                           std::function<void()> /*wake*/) override {
    return nullptr;
  }

  std::size_t requests() const {
    std::lock_guard guard(mutex_);
    return unanswered_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::deque<std::promise<Result<kube::HttpResponse>>> unanswered_;
};

}  // namespace simgpu::fakes
