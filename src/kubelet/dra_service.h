#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "kubelet/claim_calls.h"
#include "kubelet/dra/v1/api.grpc.pb.h"
#include "kubelet/dra/v1beta1/api.grpc.pb.h"
#include "kubelet/grpc_server.h"
#include "kubelet/rpc_meter.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/utf8.h"

namespace simgpu::kubelet {

/// Whether the caller of an RPC has given up, known within a few milliseconds, or its deadline has passed. To ask gRPC
/// takes longer than to rename a spec, and it lets only a few threads ask the same call at once.
class Cancellation {
 public:
  Cancellation(grpc::ServerContext& context, const base::Clock& clock, base::Clock::TimePoint deadline)
      : context_(context), clock_(clock), deadline_(deadline), asked_(clock.now()) {}

  bool known() {
    std::lock_guard guard(mutex_);
    auto now = clock_.now();
    if (!cancelled_ && now - asked_ >= kInterval) {
      cancelled_ = context_.IsCancelled();
      asked_ = now;
    }
    return cancelled_ || now >= deadline_;
  }

 private:
  static constexpr std::chrono::milliseconds kInterval{10};

  grpc::ServerContext& context_;
  const base::Clock& clock_;
  const base::Clock::TimePoint deadline_;
  std::mutex mutex_;
  bool cancelled_ = false;
  base::Clock::TimePoint asked_;
};

/// What the claim room needs to know of an RPC. Valid for as long as its handler runs.
inline claim::CallContext callContextOf(grpc::ServerContext& context, const base::Clock& clock) {
  claim::CallContext call;
  if (auto deadline = context.deadline(); deadline != std::chrono::system_clock::time_point::max()) {
    call.deadline = clock.now() + (deadline - std::chrono::system_clock::now());
  }
  call.cancelled = [cancellation = std::make_shared<Cancellation>(context, clock, call.deadline)] {
    return cancellation->known();
  };
  return call;
}

/// The status of a call that has no answer for its claims.
inline grpc::Status grpcStatusOf(const Status& status) {
  switch (status.code()) {
    case Code::cancelled:
      return {grpc::StatusCode::CANCELLED, status.message()};
    case Code::deadlineExceeded:
      return {grpc::StatusCode::DEADLINE_EXCEEDED, status.message()};
    case Code::resourceExhausted:
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, status.message()};
    case Code::unavailable:
      return {grpc::StatusCode::UNAVAILABLE, status.message()};
    default:
      return {grpc::StatusCode::INTERNAL, status.message()};
  }
}

/// The two generations of the service, which differ in their names and in `share_id` only.
struct DraV1 {
  static constexpr std::string_view kName = "v1.DRAPlugin";
  using Service = k8s::io::kubelet::pkg::apis::dra::v1::DRAPlugin::Service;
  using PrepareRequest = k8s::io::kubelet::pkg::apis::dra::v1::NodePrepareResourcesRequest;
  using PrepareResponse = k8s::io::kubelet::pkg::apis::dra::v1::NodePrepareResourcesResponse;
  using UnprepareRequest = k8s::io::kubelet::pkg::apis::dra::v1::NodeUnprepareResourcesRequest;
  using UnprepareResponse = k8s::io::kubelet::pkg::apis::dra::v1::NodeUnprepareResourcesResponse;
};

struct DraV1Beta1 {
  static constexpr std::string_view kName = "v1beta1.DRAPlugin";
  using Service = k8s::io::kubelet::pkg::apis::dra::v1beta1::DRAPlugin::Service;
  using PrepareRequest = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodePrepareResourcesRequest;
  using PrepareResponse = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodePrepareResourcesResponse;
  using UnprepareRequest = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodeUnprepareResourcesRequest;
  using UnprepareResponse = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodeUnprepareResourcesResponse;
};

/// What is wrong with one claim. A text that is not UTF-8 would cost the kubelet the whole answer, and it may quote
/// anything that a file or a server said.
inline std::string errorOfClaim(const Status& status) {
  constexpr std::size_t kLongest = 8 << 10;
  return base::excerpt(status.message(), kLongest);
}

/// DRAPlugin of either generation: messages to `ClaimCalls` and back.
template <typename Api>
class DraService final : public Api::Service {
 public:
  DraService(ClaimCalls& calls, RpcMeter& meter, const base::Clock& clock)
      : calls_(calls), meter_(meter), clock_(clock) {}

  grpc::Status NodePrepareResources(grpc::ServerContext* context, const typename Api::PrepareRequest* request,
                                    typename Api::PrepareResponse* response) override {
    return answer("NodePrepareResources", *request, [&] {
      auto answers = calls_.prepare(claimsOf(*request), callContextOf(*context, clock_));
      if (!answers) {
        return grpcStatusOf(answers.error());
      }
      for (ClaimCalls::Prepared& answer : *answers) {
        auto& entry = (*response->mutable_claims())[answer.uid];
        if (!answer.result) {
          entry.set_error(errorOfClaim(answer.result.error()));
          continue;
        }
        for (claim::PreparedDevice& device : answer.result->devices) {
          fill(*entry.add_devices(), device);
        }
      }
      return grpc::Status::OK;
    });
  }

  grpc::Status NodeUnprepareResources(grpc::ServerContext* context, const typename Api::UnprepareRequest* request,
                                      typename Api::UnprepareResponse* response) override {
    return answer("NodeUnprepareResources", *request, [&] {
      auto answers = calls_.unprepare(claimsOf(*request), callContextOf(*context, clock_));
      if (!answers) {
        return grpcStatusOf(answers.error());
      }
      for (const ClaimCalls::Unprepared& answer : *answers) {
        (*response->mutable_claims())[answer.uid].set_error(errorOfClaim(answer.status));
      }
      return grpc::Status::OK;
    });
  }

 private:
  /// Calls without claims are not measured: they are the probe's, and would outnumber the others.
  grpc::Status answer(std::string_view method, const auto& request, const std::function<grpc::Status()>& call) {
    return request.claims().empty() ? guarded(call) : meter_.guarded(fmt::format("{}/{}", Api::kName, method), call);
  }

  static std::vector<claim::ClaimRef> claimsOf(const auto& request) {
    std::vector<claim::ClaimRef> claims;
    claims.reserve(static_cast<std::size_t>(request.claims_size()));
    for (const auto& claim : request.claims()) {
      claims.push_back({.space = claim.namespace_(), .name = claim.name(), .uid = claim.uid()});
    }
    return claims;
  }

  static void fill(auto& message, claim::PreparedDevice& device) {
    for (std::string& request : device.requests) {
      message.add_request_names(std::move(request));
    }
    message.set_pool_name(std::move(device.pool));
    message.set_device_name(std::move(device.device));
    for (std::string& id : device.cdiIds) {
      message.add_cdi_device_ids(std::move(id));
    }
    if constexpr (requires { message.set_share_id(std::string()); }) {
      if (!device.shareId.empty()) {
        message.set_share_id(std::move(device.shareId));
      }
    }
  }

  ClaimCalls& calls_;
  RpcMeter& meter_;
  const base::Clock& clock_;
};

}  // namespace simgpu::kubelet
