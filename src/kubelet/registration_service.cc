#include "kubelet/registration_service.h"

#include <utility>

#include "kubelet/grpc_server.h"
#include "simgpu/base/status.h"

namespace simgpu::kubelet {

RegistrationService::RegistrationService(std::string driver, std::string endpoint, std::function<void()> registered,
                                         base::Logger log)
    : driver_(std::move(driver)),
      endpoint_(std::move(endpoint)),
      registered_(std::move(registered)),
      log_(std::move(log)) {}

grpc::Status RegistrationService::GetInfo(grpc::ServerContext*, const pluginregistration::InfoRequest*,
                                          pluginregistration::PluginInfo* info) {
  return guarded([&] {
    info->set_type("DRAPlugin");
    info->set_name(driver_);
    info->set_endpoint(endpoint_);
    // The kubelet takes the first DRA service that it knows; the order is part of the contract.
    for (const char* service :
         {"v1.DRAPlugin", "v1beta1.DRAPlugin", "v1.DRAResourceHealth", "v1alpha1.DRAResourceHealth"}) {
      info->add_supported_versions(service);
    }
    return grpc::Status::OK;
  });
}

grpc::Status RegistrationService::NotifyRegistrationStatus(grpc::ServerContext*,
                                                           const pluginregistration::RegistrationStatus* status,
                                                           pluginregistration::RegistrationStatusResponse*) {
  if (!status->plugin_registered()) {
    log_.error(Status::failedPrecondition("{}", status->error()), "The kubelet refuses to register the driver",
               {{"driver", driver_}});
    return grpc::Status::OK;
  }
  log_.info("The kubelet has registered the driver", {{"driver", driver_}});
  grpc::Status outcome = guarded([&] {
    registered_();
    return grpc::Status::OK;
  });
  if (!outcome.ok()) {
    log_.error(Status::internal("{}", outcome.error_message()), "Cannot act on the registration",
               {{"driver", driver_}});
  }
  return grpc::Status::OK;
}

}  // namespace simgpu::kubelet
