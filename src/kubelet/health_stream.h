#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "kubelet/drahealth/v1/api.grpc.pb.h"
#include "kubelet/drahealth/v1alpha1/api.grpc.pb.h"
#include "kubelet/health_feed.h"

namespace simgpu::kubelet {

/// The two generations of the service, which differ in their names only.
struct HealthV1 {
  using Service = v1::DRAResourceHealth::CallbackService;
  using Request = v1::NodeWatchResourcesRequest;
  using Response = v1::NodeWatchResourcesResponse;
  static constexpr auto kHealthy = v1::HEALTHY;
};

struct HealthV1Alpha1 {
  using Service = v1alpha1::DRAResourceHealth::CallbackService;
  using Request = v1alpha1::NodeWatchResourcesRequest;
  using Response = v1alpha1::NodeWatchResourcesResponse;
  static constexpr auto kHealthy = v1alpha1::HEALTHY;
};

/// One stream. A client that reads slowly gets the newest report when it has taken the last one; those between are
/// dropped, and nobody waits for it.
template <typename Api>
class HealthStream final : public grpc::ServerWriteReactor<typename Api::Response>, public HealthWatcher {
 public:
  HealthStream(HealthFeed& feed, grpc::CallbackServerContext& context) : feed_(feed), context_(context) {}

  /// Hands the stream over to gRPC and to `feed`; it lives until both have finished with it.
  static HealthStream* open(HealthFeed& feed, grpc::CallbackServerContext& context) {
    auto stream = std::make_shared<HealthStream>(feed, context);
    stream->self_ = stream;
    if (Status status = feed.add(stream); !status) {
      stream->ended_ = true;
      stream->Finish(
          {status.code() == Code::unavailable ? grpc::StatusCode::UNAVAILABLE : grpc::StatusCode::RESOURCE_EXHAUSTED,
           status.message()});
    }
    return stream.get();
  }

  void report(std::shared_ptr<const HealthReport> report) override {
    std::lock_guard guard(mutex_);
    if (ended_) {
      return;
    }
    if (writing_) {
      next_ = std::move(report);
      return;
    }
    writing_ = true;
    write(*report);
  }

  void end() override { end(true); }

  void OnCancel() override { end(false); }

  void OnWriteDone(bool ok) override {
    {
      std::lock_guard guard(mutex_);
      if (!ended_ && ok && next_) {
        write(*std::exchange(next_, nullptr));
        return;
      }
      writing_ = false;
      if (!ended_ && ok) {
        return;
      }
      ended_ = true;
    }
    this->Finish(grpc::Status::OK);
  }

  void OnDone() override {
    feed_.remove(this);
    auto self = std::move(self_);
  }

 private:
  /// Under the mutex and only while `writing_`: gRPC takes one message at a time, and none after `Finish`.
  void write(const HealthReport& report) {
    message_.Clear();
    for (const DeviceId& id : report.healthy) {
      auto& device = *message_.add_devices();
      device.mutable_device()->set_pool_name(id.pool);
      device.mutable_device()->set_device_name(id.device);
      device.set_health(Api::kHealthy);
      device.set_last_updated_time(report.unixSeconds);
      device.set_health_check_timeout_seconds(HealthFeed::kLease.count());
    }
    this->StartWrite(&message_);
  }

  void end(bool cancel) {
    {
      std::lock_guard guard(mutex_);
      if (ended_) {
        return;
      }
      ended_ = true;
      if (writing_) {
        // OnWriteDone finishes. A client that does not read would let the write wait for ever.
        if (cancel) {
          context_.TryCancel();
        }
        return;
      }
    }
    this->Finish(grpc::Status::OK);
  }

  HealthFeed& feed_;
  grpc::CallbackServerContext& context_;
  typename Api::Response message_;

  std::mutex mutex_;
  bool writing_ = false;
  bool ended_ = false;  ///< Finished, or about to be when the write is done.
  std::shared_ptr<const HealthReport> next_;
  std::shared_ptr<HealthStream> self_;
};

/// DRAResourceHealth of either generation.
template <typename Api>
class HealthStreamService final : public Api::Service {
 public:
  explicit HealthStreamService(HealthFeed& feed) : feed_(feed) {}

  grpc::ServerWriteReactor<typename Api::Response>* NodeWatchResources(grpc::CallbackServerContext* context,
                                                                       const typename Api::Request*) override {
    return HealthStream<Api>::open(feed_, *context);
  }

 private:
  HealthFeed& feed_;
};

}  // namespace simgpu::kubelet
