#include "kubelet/probe.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include <grpcpp/create_channel_posix.h>

#include "kubelet/dra/v1/api.grpc.pb.h"
#include "kubelet/grpc_server.h"
#include "kubelet/pluginregistration/v1/api.grpc.pb.h"

namespace simgpu::kubelet {
namespace {

/// Both questions together stay within the second that a probe waits by default.
constexpr std::chrono::milliseconds kPatience{450};

/// A connection of its own: one that is open already says nothing about the file that the kubelet would dial.
Result<std::shared_ptr<grpc::Channel>> dial(const UnixListener& socket) {
  if (Status status = socket.check(); !status) {
    return unexpected(status);
  }
  auto connection = connectUnix(socket.path());
  if (!connection) {
    return unexpected(connection.error());
  }
  return grpc::CreateInsecureChannelFromFd(socket.path().native(), connection->release());
}

/// Ends with the probe that asks, or earlier.
std::unique_ptr<grpc::ClientContext> contextOfQuestion(const grpc::ServerContext& probe) {
  auto context = grpc::ClientContext::FromServerContext(probe);
  context->set_deadline(std::chrono::system_clock::now() + kPatience);
  return context;
}

Status failure(const UnixListener& socket, const grpc::Status& status) {
  return Status::unavailable("{} does not answer: {}", socket.path().native(), status.error_message());
}

}  // namespace

grpc::Status ProbeService::Check(grpc::ServerContext* context, const grpc::health::v1::HealthCheckRequest* request,
                                 grpc::health::v1::HealthCheckResponse* response) {
  using grpc::health::v1::HealthCheckResponse;
  return guarded([&] {
    if (!request->service().empty() && request->service() != "liveness") {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "unknown service");
    }
    Status status = askRegistration(*context);
    if (status) {
      status = askDra(*context);
    }
    if (!status) {
      log_.error(status, "The driver is not healthy");
    }
    response->set_status(status ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING);
    return grpc::Status::OK;
  });
}

Status ProbeService::askRegistration(const grpc::ServerContext& probe) const {
  auto channel = dial(registration_);
  if (!channel) {
    return channel.error();
  }
  auto context = contextOfQuestion(probe);
  pluginregistration::PluginInfo info;
  grpc::Status status = pluginregistration::Registration::NewStub(*channel)->GetInfo(context.get(), {}, &info);
  if (!status.ok()) {
    return failure(registration_, status);
  }
  if (info.endpoint() != dra_.path().native()) {
    return Status::internal("{} names the endpoint {}, not {}", registration_.path().native(), info.endpoint(),
                            dra_.path().native());
  }
  return {};
}

Status ProbeService::askDra(const grpc::ServerContext& probe) const {
  auto channel = dial(dra_);
  if (!channel) {
    return channel.error();
  }
  using namespace k8s::io::kubelet::pkg::apis::dra::v1;  // NOLINT(google-build-using-namespace): one message of it
  auto context = contextOfQuestion(probe);
  NodePrepareResourcesResponse answer;
  grpc::Status status = DRAPlugin::NewStub(*channel)->NodePrepareResources(context.get(), {}, &answer);
  return status.ok() ? Status() : failure(dra_, status);
}

}  // namespace simgpu::kubelet
