#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace simgpu::kube {

/// `metav1.Status`, as far as it matters here.
struct ApiStatus {
  int code = 0;
  std::string reason;
  std::string message;
  bool namesObject = false;
  std::optional<std::chrono::seconds> retryAfter;
};

}  // namespace simgpu::kube
