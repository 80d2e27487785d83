#include "simgpu/kube/config.h"

#include <fmt/format.h>

namespace simgpu::kube {

Result<Config> inClusterConfig(base::Files& files, const std::map<std::string, std::string>& environment,
                               const std::filesystem::path& directory) {
  auto host = environment.find("KUBERNETES_SERVICE_HOST");
  auto port = environment.find("KUBERNETES_SERVICE_PORT");
  if (host == environment.end() || port == environment.end() || host->second.empty() || port->second.empty()) {
    return unexpected(
        Status::failedPrecondition("unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
                                   "KUBERNETES_SERVICE_PORT must be defined"));
  }
  Config config;
  config.origin = "in-cluster";
  bool ipv6 = host->second.find(':') != std::string::npos && !host->second.starts_with('[');
  config.server = fmt::format("https://{}{}{}:{}", ipv6 ? "[" : "", host->second, ipv6 ? "]" : "", port->second);
  config.noProxy = true;
  config.tokenFile = directory / "token";
  config.certificateAuthority.file = directory / "ca.crt";
  for (const auto& file : {config.tokenFile, config.certificateAuthority.file}) {
    if (auto content = files.read(file); !content) {
      return unexpected(content.error().with("in-cluster configuration: the service account of this pod"));
    }
  }
  return config;
}

}  // namespace simgpu::kube
