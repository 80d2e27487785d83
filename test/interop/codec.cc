#include "codec.h"

#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/json_util.h>

#include "grpc/health/v1/health.pb.h"
#include "kubelet/dra/v1/api.pb.h"
#include "kubelet/dra/v1beta1/api.pb.h"
#include "kubelet/drahealth/v1/api.pb.h"
#include "kubelet/drahealth/v1alpha1/api.pb.h"
#include "kubelet/pluginregistration/v1/api.pb.h"

namespace simgpu::interop {
namespace {

namespace pb = google::protobuf;
namespace dra = k8s::io::kubelet::pkg::apis::dra;

std::string fromHex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string toHex(std::string_view bytes) {
  std::string hex;
  for (char byte : bytes) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return hex;
}

std::string recodeOne(const std::string& name, const std::string& hex) {
  const pb::Descriptor* type = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  if (type == nullptr) {
    return "!";
  }
  std::unique_ptr<pb::Message> message(pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!message->ParseFromString(fromHex(hex)) || !pb::util::MessageToJsonString(*message, &json, options).ok()) {
    return "!";
  }
  return toHex(message->SerializeAsString()) + " " + json;
}

}  // namespace

int printDescriptors() {
  pb::FileDescriptorSet files;
  for (const pb::Descriptor* one :
       {grpc::health::v1::HealthCheckRequest::descriptor(), dra::v1::Claim::descriptor(),
        dra::v1beta1::Claim::descriptor(), v1::DeviceHealth::descriptor(), v1alpha1::DeviceHealth::descriptor(),
        pluginregistration::PluginInfo::descriptor()}) {
    one->file()->CopyTo(files.add_file());
  }
  return files.SerializeToOstream(&std::cout) && std::cout.flush() ? 0 : 1;
}

int recode() {
  for (std::string line; std::getline(std::cin, line);) {
    auto blank = line.find(' ');
    std::cout << recodeOne(line.substr(0, blank), line.substr(blank + 1)) << '\n';
  }
  return std::cout.flush() ? 0 : 1;
}

}  // namespace simgpu::interop
