#pragma once

#include <filesystem>
#include <functional>
#include <kubelet/dra/v1/api.grpc.pb.h>
#include <kubelet/dra/v1beta1/api.grpc.pb.h>
#include <kubelet/drahealth/v1/api.grpc.pb.h>
#include <kubelet/pluginregistration/v1/api.grpc.pb.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

namespace simgpu::standin {

namespace dra = k8s::io::kubelet::pkg::apis::dra;

/// A DRA plugin that answers what a test tells it to, and remembers what it was asked.
class TestPlugin final : public pluginregistration::Registration::Service {
 public:
  struct Options {
    std::string type = "DRAPlugin";
    std::string name = "gpu.example.com";
    std::vector<std::string> services = {"v1.DRAPlugin"};
  };

  /// Serves on `directory/dra.sock`; registers on `registry/<name>-reg.sock`.
  TestPlugin(const std::filesystem::path& directory, const std::filesystem::path& registry, Options options);
  ~TestPlugin() override;

  const std::filesystem::path& registrationSocket() const { return registrationSocket_; }

  /// The errors that NotifyRegistrationStatus told; "" for success.
  std::vector<std::string> notifications() const;
  /// UIDs in the order of their calls, `+uid` prepared and `-uid` unprepared; `v1beta1+uid` if by the old service.
  std::vector<std::string> calls() const;

  using PrepareResponse = dra::v1::NodePrepareResourcesResponse;
  /// What to answer; without it each claim gets no device.
  void onPrepare(std::function<grpc::Status(const dra::v1::NodePrepareResourcesRequest&, PrepareResponse&)> answer);
  void onUnprepare(std::string error);

  grpc::Status GetInfo(grpc::ServerContext*, const pluginregistration::InfoRequest*,
                       pluginregistration::PluginInfo* info) override;
  grpc::Status NotifyRegistrationStatus(grpc::ServerContext*, const pluginregistration::RegistrationStatus* status,
                                        pluginregistration::RegistrationStatusResponse*) override;

 private:
  struct V1;
  struct V1beta1;
  struct Health;

  Options options_;
  std::filesystem::path endpoint_;
  std::filesystem::path registrationSocket_;
  std::unique_ptr<V1> v1_;
  std::unique_ptr<V1beta1> v1beta1_;
  std::unique_ptr<Health> health_;
  mutable std::mutex mutex_;
  std::vector<std::string> notifications_;
  std::vector<std::string> calls_;
  std::function<grpc::Status(const dra::v1::NodePrepareResourcesRequest&, PrepareResponse&)> prepare_;
  std::string unprepareError_;
  std::unique_ptr<grpc::Server> draServer_;
  std::unique_ptr<grpc::Server> registrationServer_;
};

}  // namespace simgpu::standin
