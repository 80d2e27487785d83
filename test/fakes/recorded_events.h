#pragma once

#include <mutex>
#include <vector>

#include "simgpu/kube/event_sink.h"

namespace simgpu::fakes {

/// Keeps what would become Events.
class RecordedEvents final : public kube::EventSink {
 public:
  void record(kube::Occurrence occurrence) override {
    std::lock_guard guard(mutex_);
    occurrences_.push_back(std::move(occurrence));
  }

  std::vector<kube::Occurrence> all() const {
    std::lock_guard guard(mutex_);
    return occurrences_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<kube::Occurrence> occurrences_;
};

}  // namespace simgpu::fakes
