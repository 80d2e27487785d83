#pragma once

#include <grpcpp/grpcpp.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "kubelet/unix_socket.h"
#include "simgpu/base/log.h"
#include "simgpu/base/status.h"

namespace simgpu::kubelet {

/// `grpc.health.v1` for the kubelet's probe: as healthy as what the kubelet would get from the two sockets. Check dials
/// both anew, as a restarted kubelet would, asks for the plugin's information and prepares no claims. Services are ""
/// and "liveness". Watch is not implemented.
class ProbeService final : public grpc::health::v1::Health::Service {
 public:
  /// The listeners must outlive the service.
  ProbeService(const UnixListener& registration, const UnixListener& dra, base::Logger log)
      : registration_(registration), dra_(dra), log_(std::move(log)) {}

  grpc::Status Check(grpc::ServerContext* context, const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* response) override;

 private:
  Status askRegistration(const grpc::ServerContext& probe) const;
  Status askDra(const grpc::ServerContext& probe) const;

  const UnixListener& registration_;
  const UnixListener& dra_;
  base::Logger log_;
};

}  // namespace simgpu::kubelet
