#include "standin/plugin_client.h"

#include <algorithm>
#include <array>
#include <kubelet/dra/v1/api.grpc.pb.h>
#include <kubelet/dra/v1beta1/api.grpc.pb.h>
#include <kubelet/drahealth/v1/api.grpc.pb.h>
#include <kubelet/drahealth/v1alpha1/api.grpc.pb.h>

#include <fmt/ranges.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>

namespace simgpu::standin {

namespace {

namespace dra = k8s::io::kubelet::pkg::apis::dra;

constexpr std::array kDraServices = {"v1.DRAPlugin", "v1beta1.DRAPlugin"};
constexpr auto kCallTime = std::chrono::seconds(45);
constexpr auto kHealthReconnect = std::chrono::seconds(5);

bool offers(const std::vector<std::string>& services, std::string_view service) {
  return std::ranges::find(services, service) != services.end();
}

std::string_view chosenService(const std::vector<std::string>& services) {
  auto found = std::ranges::find_first_of(services, kDraServices);
  return found == services.end() ? std::string_view() : std::string_view(*found);
}

/// As grpc-go prints an error.
Status rpcError(std::string_view operation, const grpc::Status& status) {
  static constexpr std::array kNames = {
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  auto code = static_cast<std::size_t>(status.error_code());
  return Status::unavailable("{}: rpc error: code = {} desc = {}", operation,
                             code < kNames.size() ? kNames[code] : "Unknown", status.error_message());
}

template <typename Request>
Request requestFor(const std::vector<PluginClaim>& claims) {
  Request request;
  for (const PluginClaim& claim : claims) {
    auto* entry = request.add_claims();
    entry->set_namespace_(claim.space);
    entry->set_uid(claim.uid);
    entry->set_name(claim.name);
  }
  return request;
}

/// The kubelet's checks of an answer's map of claims, the same for both calls.
template <typename Response>
Status checkAnswer(std::string_view operation, const std::vector<PluginClaim>& claims, const Response& response) {
  for (const auto& [uid, result] : response.claims()) {
    auto claim = std::ranges::find(claims, uid, &PluginClaim::uid);
    if (claim == claims.end()) {
      return Status::internal("{} returned result for unknown claim UID {}", operation, uid);
    }
    if (!result.error().empty()) {
      return Status::internal("{} failed for ResourceClaim {}: {}", operation, claim->name, result.error());
    }
  }
  if (std::size_t missing = claims.size() - response.claims().size(); missing != 0) {
    return Status::internal("{} skipped {} ResourceClaims", operation, missing);
  }
  return {};
}

template <typename Device>
PreparedDevice toPrepared(const Device& device) {
  PreparedDevice prepared;
  prepared.requestNames.assign(device.request_names().begin(), device.request_names().end());
  prepared.pool = device.pool_name();
  prepared.device = device.device_name();
  prepared.cdiDeviceIds.assign(device.cdi_device_ids().begin(), device.cdi_device_ids().end());
  if constexpr (requires { device.has_share_id(); }) {
    if (device.has_share_id()) {
      prepared.shareId = device.share_id();
    }
  }
  return prepared;
}

/// The messages of one version of DRAPlugin.
struct V1 {
  using Service = dra::v1::DRAPlugin;
  using PrepareRequest = dra::v1::NodePrepareResourcesRequest;
  using PrepareResponse = dra::v1::NodePrepareResourcesResponse;
  using UnprepareRequest = dra::v1::NodeUnprepareResourcesRequest;
  using UnprepareResponse = dra::v1::NodeUnprepareResourcesResponse;
};
struct V1beta1 {
  using Service = dra::v1beta1::DRAPlugin;
  using PrepareRequest = dra::v1beta1::NodePrepareResourcesRequest;
  using PrepareResponse = dra::v1beta1::NodePrepareResourcesResponse;
  using UnprepareRequest = dra::v1beta1::NodeUnprepareResourcesRequest;
  using UnprepareResponse = dra::v1beta1::NodeUnprepareResourcesResponse;
};

/// A stream of device health that is opened again whenever it ends.
class HealthWatch {
 public:
  template <typename Service, typename Request, typename Response>
  void start(std::shared_ptr<grpc::Channel> channel) {
    thread_ = std::jthread([this, channel = std::move(channel)](const std::stop_token& stop) {
      while (!stop.stop_requested() && watchOnce<Service, Request, Response>(channel, stop)) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, kHealthReconnect, [] { return false; });
      }
    });
  }

  std::map<std::string, DeviceHealth> devices() {
    std::lock_guard lock(mutex_);
    return devices_;
  }

 private:
  /// False if the plugin does not know the service.
  template <typename Service, typename Request, typename Response>
  bool watchOnce(const std::shared_ptr<grpc::Channel>& channel, const std::stop_token& stop) {
    auto stub = Service::NewStub(channel);
    grpc::ClientContext context;
    std::stop_callback cancel(stop, [&] { context.TryCancel(); });
    auto reader = stub->NodeWatchResources(&context, Request());
    Response report;
    while (reader->Read(&report)) {
      std::lock_guard lock(mutex_);
      for (const auto& device : report.devices()) {
        DeviceHealth& health = devices_[device.device().pool_name() + "/" + device.device().device_name()];
        int state = device.health();
        health.state = state == 1   ? DeviceHealth::State::healthy
                       : state == 2 ? DeviceHealth::State::unhealthy
                                    : DeviceHealth::State::unknown;
        health.message = device.message();
      }
    }
    grpc::Status status = reader->Finish();
    std::lock_guard lock(mutex_);
    devices_.clear();
    return status.error_code() != grpc::StatusCode::UNIMPLEMENTED;
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, DeviceHealth> devices_;
  std::jthread thread_;
};

template <typename Version>
class GrpcPluginClient final : public PluginClient {
 public:
  GrpcPluginClient(const PluginInfo& info, const std::shared_ptr<grpc::Channel>& channel)
      : channel_(channel), stub_(Version::Service::NewStub(channel)) {
    if (offers(info.services, "v1.DRAResourceHealth")) {
      health_.start<v1::DRAResourceHealth, v1::NodeWatchResourcesRequest, v1::NodeWatchResourcesResponse>(channel);
    } else if (offers(info.services, "v1alpha1.DRAResourceHealth")) {
      health_.start<v1alpha1::DRAResourceHealth, v1alpha1::NodeWatchResourcesRequest,
                    v1alpha1::NodeWatchResourcesResponse>(channel);
    }
  }

  Result<std::map<std::string, std::vector<PreparedDevice>>> prepare(const std::vector<PluginClaim>& claims) override {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallTime);
    typename Version::PrepareResponse response;
    grpc::Status status =
        stub_->NodePrepareResources(&context, requestFor<typename Version::PrepareRequest>(claims), &response);
    if (!status.ok()) {
      return unexpected(rpcError("NodePrepareResources", status));
    }
    if (Status checked = checkAnswer("NodePrepareResources", claims, response); !checked) {
      return unexpected(checked);
    }
    std::map<std::string, std::vector<PreparedDevice>> prepared;
    for (const auto& [uid, result] : response.claims()) {
      auto& devices = prepared[uid];
      for (const auto& device : result.devices()) {
        devices.push_back(toPrepared(device));
      }
    }
    return prepared;
  }

  Status unprepare(const std::vector<PluginClaim>& claims) override {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallTime);
    typename Version::UnprepareResponse response;
    grpc::Status status =
        stub_->NodeUnprepareResources(&context, requestFor<typename Version::UnprepareRequest>(claims), &response);
    return status.ok() ? checkAnswer("NodeUnprepareResources", claims, response)
                       : rpcError("NodeUnprepareResources", status);
  }

  std::map<std::string, DeviceHealth> health() override { return health_.devices(); }

  bool connected() override { return channel_->GetState(true) == GRPC_CHANNEL_READY; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<typename Version::Service::Stub> stub_;
  HealthWatch health_;
};

}  // namespace

Status PluginClient::validate(const PluginInfo& info) {
  if (!chosenService(info.services).empty()) {
    return {};
  }
  return Status::invalidArgument(
      "invalid supported gRPC versions of DRA driver plugin {} at endpoint {}: none of services supported by the "
      "plugin "
      "({}) are supported by the kubelet ({})",
      info.name, info.endpoint.string(), fmt::join(info.services, ", "), fmt::join(kDraServices, ", "));
}

std::unique_ptr<PluginClient> PluginClient::open(const PluginInfo& info, base::Logger log) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  arguments.SetMaxReceiveMessageSize(4 << 20);
  auto channel =
      grpc::CreateCustomChannel("unix:" + info.endpoint.string(), grpc::InsecureChannelCredentials(), arguments);
  log.info("Registered DRA plugin", {{"driverName", info.name}, {"endpoint", info.endpoint.string()}});
  channel->GetState(true);
  if (chosenService(info.services) == kDraServices[0]) {
    return std::make_unique<GrpcPluginClient<V1>>(info, channel);
  }
  return std::make_unique<GrpcPluginClient<V1beta1>>(info, channel);
}

}  // namespace simgpu::standin
