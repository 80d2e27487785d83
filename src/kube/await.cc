#include "kube/await.h"

#include <chrono>

namespace simgpu::kube {
namespace {

/// How soon a caller that gave up is let go. Answers themselves wake the waiting thread at once.
constexpr std::chrono::milliseconds kLook{25};

}  // namespace

Result<HttpResponse> awaitAnswer(std::future<Result<HttpResponse>> answer, const std::function<bool()>& cancelled) {
  while (answer.wait_for(kLook) != std::future_status::ready) {
    if (cancelled()) {
      return unexpected(Status::cancelled("nobody waits for the answer any more"));
    }
  }
  return answer.get();
}

}  // namespace simgpu::kube
