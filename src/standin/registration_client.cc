#include <algorithm>
#include <kubelet/pluginregistration/v1/api.grpc.pb.h>

#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>

#include "standin/plugin_client.h"

namespace simgpu::standin {

namespace {

constexpr auto kDialTime = std::chrono::seconds(10);
constexpr auto kInfoTime = std::chrono::seconds(1);
constexpr auto kNotifyTime = std::chrono::seconds(5);

std::chrono::system_clock::time_point in(std::chrono::seconds time) {
  return std::chrono::system_clock::now() + time;
}

class GrpcRegistrationClient final : public RegistrationClient {
 public:
  explicit GrpcRegistrationClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(pluginregistration::Registration::NewStub(channel)) {}

  Result<PluginInfo> info() override {
    grpc::ClientContext context;
    context.set_deadline(in(kInfoTime));
    pluginregistration::PluginInfo answer;
    if (grpc::Status status = stub_->GetInfo(&context, {}, &answer); !status.ok()) {
      return unexpected(Status::unavailable("failed to get plugin info using RPC GetInfo: {}", status.error_message()));
    }
    return PluginInfo{answer.type(),
                      answer.name(),
                      answer.endpoint(),
                      {answer.supported_versions().begin(), answer.supported_versions().end()}};
  }

  Status notify(const std::string& error) override {
    grpc::ClientContext context;
    context.set_deadline(in(kNotifyTime));
    pluginregistration::RegistrationStatus message;
    message.set_plugin_registered(error.empty());
    message.set_error(error);
    pluginregistration::RegistrationStatusResponse answer;
    grpc::Status status = stub_->NotifyRegistrationStatus(&context, message, &answer);
    return status.ok() ? Status() : Status::unavailable("failed to notify the plugin: {}", status.error_message());
  }

 private:
  std::unique_ptr<pluginregistration::Registration::Stub> stub_;
};

}  // namespace

Result<std::unique_ptr<RegistrationClient>> RegistrationClient::connect(const std::filesystem::path& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a socket of the same name may be another process by now
  auto channel = grpc::CreateCustomChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(in(kDialTime))) {
    return unexpected(Status::unavailable("failed to dial socket {}", socket.string()));
  }
  return std::make_unique<GrpcRegistrationClient>(channel);
}

}  // namespace simgpu::standin
