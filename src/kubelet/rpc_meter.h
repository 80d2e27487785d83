#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <grpcpp/grpcpp.h>

#include "simgpu/base/clock.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::kubelet {

/// Measures how long RPCs take. Safe to use from several threads.
class RpcMeter {
 public:
  RpcMeter(metrics::Registry& registry, const base::Clock& clock);

  /// What `call` answers, as `guarded` does; measured as `method`, for example `v1.DRAPlugin/NodePrepareResources`.
  grpc::Status guarded(std::string_view method, const std::function<grpc::Status()>& call);

 private:
  metrics::Family<metrics::Histogram>& durations_;
  const base::Clock& clock_;
};

}  // namespace simgpu::kubelet
