#include "unit/standin/test_plugin.h"

#include <chrono>
#include <condition_variable>

namespace simgpu::standin {

struct TestPlugin::V1 final : dra::v1::DRAPlugin::Service {
  explicit V1(TestPlugin& owner) : plugin(owner) {}

  grpc::Status NodePrepareResources(grpc::ServerContext*, const dra::v1::NodePrepareResourcesRequest* request,
                                    dra::v1::NodePrepareResourcesResponse* response) override {
    std::lock_guard lock(plugin.mutex_);
    for (const auto& claim : request->claims()) {
      plugin.calls_.push_back("+" + claim.uid());
      if (!plugin.prepare_) {
        (*response->mutable_claims())[claim.uid()];
      }
    }
    return plugin.prepare_ ? plugin.prepare_(*request, *response) : grpc::Status::OK;
  }

  grpc::Status NodeUnprepareResources(grpc::ServerContext*, const dra::v1::NodeUnprepareResourcesRequest* request,
                                      dra::v1::NodeUnprepareResourcesResponse* response) override {
    std::lock_guard lock(plugin.mutex_);
    for (const auto& claim : request->claims()) {
      plugin.calls_.push_back("-" + claim.uid());
      (*response->mutable_claims())[claim.uid()].set_error(plugin.unprepareError_);
    }
    return grpc::Status::OK;
  }

  TestPlugin& plugin;
};

struct TestPlugin::V1beta1 final : dra::v1beta1::DRAPlugin::Service {
  explicit V1beta1(TestPlugin& owner) : plugin(owner) {}

  grpc::Status NodePrepareResources(grpc::ServerContext*, const dra::v1beta1::NodePrepareResourcesRequest* request,
                                    dra::v1beta1::NodePrepareResourcesResponse* response) override {
    std::lock_guard lock(plugin.mutex_);
    for (const auto& claim : request->claims()) {
      plugin.calls_.push_back("v1beta1+" + claim.uid());
      (*response->mutable_claims())[claim.uid()];
    }
    return grpc::Status::OK;
  }

  TestPlugin& plugin;
};

struct TestPlugin::Health final : v1::DRAResourceHealth::Service {
  grpc::Status NodeWatchResources(grpc::ServerContext* context, const v1::NodeWatchResourcesRequest*,
                                  grpc::ServerWriter<v1::NodeWatchResourcesResponse>* writer) override {
    v1::NodeWatchResourcesResponse report;
    auto* device = report.add_devices();
    device->mutable_device()->set_pool_name("node-a");
    device->mutable_device()->set_device_name("gpu-0");
    device->set_health(v1::UNHEALTHY);
    device->set_message("too hot");
    writer->Write(report);
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (!context->IsCancelled()) {
      never.wait_for(lock, std::chrono::milliseconds(10));
    }
    return grpc::Status::OK;
  }
};

TestPlugin::TestPlugin(const std::filesystem::path& directory, const std::filesystem::path& registry, Options options)
    : options_(std::move(options)),
      endpoint_(directory / (options_.name + ".sock")),
      registrationSocket_(registry / (options_.name + "-reg.sock")),
      v1_(std::make_unique<V1>(*this)),
      v1beta1_(std::make_unique<V1beta1>(*this)),
      health_(std::make_unique<Health>()) {
  grpc::ServerBuilder dra;
  dra.AddListeningPort("unix:" + endpoint_.string(), grpc::InsecureServerCredentials());
  dra.RegisterService(v1_.get());
  dra.RegisterService(v1beta1_.get());
  dra.RegisterService(health_.get());
  draServer_ = dra.BuildAndStart();
  grpc::ServerBuilder registration;
  registration.AddListeningPort("unix:" + registrationSocket_.string(), grpc::InsecureServerCredentials());
  registration.RegisterService(this);
  registrationServer_ = registration.BuildAndStart();
}

TestPlugin::~TestPlugin() {
  auto now = std::chrono::system_clock::now();
  registrationServer_->Shutdown(now);
  std::filesystem::remove(registrationSocket_);
  draServer_->Shutdown(now);
}

std::vector<std::string> TestPlugin::notifications() const {
  std::lock_guard lock(mutex_);
  return notifications_;
}

std::vector<std::string> TestPlugin::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

void TestPlugin::onPrepare(
    std::function<grpc::Status(const dra::v1::NodePrepareResourcesRequest&, PrepareResponse&)> answer) {
  std::lock_guard lock(mutex_);
  prepare_ = std::move(answer);
}

void TestPlugin::onUnprepare(std::string error) {
  std::lock_guard lock(mutex_);
  unprepareError_ = std::move(error);
}

grpc::Status TestPlugin::GetInfo(grpc::ServerContext*, const pluginregistration::InfoRequest*,
                                 pluginregistration::PluginInfo* info) {
  info->set_type(options_.type);
  info->set_name(options_.name);
  info->set_endpoint(endpoint_);
  for (const std::string& service : options_.services) {
    info->add_supported_versions(service);
  }
  return grpc::Status::OK;
}

grpc::Status TestPlugin::NotifyRegistrationStatus(grpc::ServerContext*,
                                                  const pluginregistration::RegistrationStatus* status,
                                                  pluginregistration::RegistrationStatusResponse*) {
  std::lock_guard lock(mutex_);
  notifications_.push_back(status->error());
  return grpc::Status::OK;
}

}  // namespace simgpu::standin
