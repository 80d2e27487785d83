#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "simgpu/base/log.h"

namespace simgpu::fakes {

/// Keeps log lines for a test to look at.
class MemoryLog final : public base::LogSink {
 public:
  void write(std::string_view line) override {
    std::lock_guard guard(mutex_);
    lines_.emplace_back(line);
  }

  std::vector<std::string> lines() const {
    std::lock_guard guard(mutex_);
    return lines_;
  }

  /// How many lines contain `text`.
  std::size_t count(std::string_view text) const {
    std::size_t found = 0;
    for (const std::string& line : lines()) {
      found += line.find(text) != std::string::npos ? 1 : 0;
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace simgpu::fakes
