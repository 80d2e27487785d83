#include "kubelet/grpc_server.h"

#include <exception>
#include <string>
#include <utility>

#include <absl/synchronization/mutex.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>

namespace simgpu::kubelet {
namespace {

void setLimits(grpc::ServerBuilder& builder, const GrpcServer::Limits& limits) {
  builder.SetMaxReceiveMessageSize(limits.requestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.concurrentStreams);
  if (limits.pingsAtWill) {
    // Closing the kubelet's connection over a ping would cost a pod a minute.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  }
  if (limits.idleConnection.count() > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, static_cast<int>(limits.idleConnection.count()));
  }
  // Each call has a thread of its own: the poller that took it. So many of them stay when they are idle.
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, limits.fewestPollers);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, limits.mostPollers);
  if (limits.threads > 0) {
    grpc::ResourceQuota quota;
    quota.SetMaxThreads(limits.threads);
    builder.SetResourceQuota(quota);
  }
}

/// Abseil as Debian builds it draws a graph of the order in which gRPC takes its locks, to find deadlocks, at each of
/// them. That is for those who develop gRPC.
void doNotLookForDeadlocks() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(int listener, const std::vector<grpc::Service*>& services,
                                                      Limits limits) {
  doNotLookForDeadlocks();
  grpc::ServerBuilder builder;
  setLimits(builder, limits);
  for (grpc::Service* service : services) {
    builder.RegisterService(service);
  }
  std::unique_ptr<grpc::Server> started = builder.BuildAndStart();
  if (!started) {
    return unexpected(Status::internal("gRPC refuses to start a server"));
  }
  std::unique_ptr<GrpcServer> server(new GrpcServer(std::move(started)));
  auto acceptor =
      Acceptor::start(listener, limits.connections, [raw = server->server_.get()](FileDescriptor connection) {
        grpc::AddInsecureChannelFromFd(raw, connection.release());
      });
  if (!acceptor) {
    return unexpected(acceptor.error());
  }
  server->acceptor_ = std::move(*acceptor);
  return server;
}

void GrpcServer::stop(std::chrono::system_clock::time_point deadline) {
  stopAccepting();
  if (server_) {
    server_->Shutdown(deadline);
    server_->Wait();
    server_.reset();
  }
}

grpc::Status statusOfCurrentException() {
  std::string text = "an exception without a text";
  try {
    throw;
  } catch (const std::exception& exception) {
    text = exception.what();
  } catch (...) {
    // Whatever it is, the text above has to do.
  }
  return {grpc::StatusCode::INTERNAL, "defect in the driver: " + text};
}

}  // namespace simgpu::kubelet
