#include "kubelet/rpc_meter.h"

#include <array>

#include "kubelet/grpc_server.h"

namespace simgpu::kubelet {
namespace {

/// The codes of gRPC under their names, in the order of their numbers.
constexpr std::array<std::string_view, 17> kCodes = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

std::string_view nameOf(grpc::StatusCode code) {
  auto number = static_cast<std::size_t>(code);
  return number < kCodes.size() ? kCodes[number] : "UNKNOWN";
}

}  // namespace

RpcMeter::RpcMeter(metrics::Registry& registry, const base::Clock& clock)
    : durations_(registry.histograms(
          "dra_sim_gpu_rpc_duration_seconds", "Time that calls of the kubelet took, by method and gRPC status code.",
          {"method", "code"}, {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 45})),
      clock_(clock) {}

grpc::Status RpcMeter::guarded(std::string_view method, const std::function<grpc::Status()>& call) {
  auto began = clock_.now();
  grpc::Status status = kubelet::guarded(call);
  durations_.with({method, nameOf(status.error_code())}).observe(clock_.now() - began);
  return status;
}

}  // namespace simgpu::kubelet
