#pragma once

#include <functional>
#include <string>

#include <grpcpp/grpcpp.h>

#include "kubelet/pluginregistration/v1/api.grpc.pb.h"
#include "simgpu/base/log.h"

namespace simgpu::kubelet {

/// Tells the kubelet what is served where, as often as it asks.
class RegistrationService final : public pluginregistration::Registration::Service {
 public:
  /// `endpoint` is the path of the DRA socket on the host.
  RegistrationService(std::string driver, std::string endpoint, std::function<void()> registered, base::Logger log);

  grpc::Status GetInfo(grpc::ServerContext* context, const pluginregistration::InfoRequest* request,
                       pluginregistration::PluginInfo* info) override;

  /// Always OK, as kubelets up to 1.35 would keep a plugin that answers otherwise, and never try again.
  grpc::Status NotifyRegistrationStatus(grpc::ServerContext* context,
                                        const pluginregistration::RegistrationStatus* status,
                                        pluginregistration::RegistrationStatusResponse* response) override;

 private:
  std::string driver_;
  std::string endpoint_;
  std::function<void()> registered_;
  base::Logger log_;
};

}  // namespace simgpu::kubelet
