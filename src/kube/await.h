#pragma once

#include <functional>
#include <future>

#include "simgpu/base/result.h"
#include "simgpu/kube/transport.h"

namespace simgpu::kube {

/// Waits for an answer, and looks from time to time whether anybody still wants it: cancelled if not.
Result<HttpResponse> awaitAnswer(std::future<Result<HttpResponse>> answer, const std::function<bool()>& cancelled);

}  // namespace simgpu::kube
