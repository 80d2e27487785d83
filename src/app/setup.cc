#include "app/setup.h"

#include <csignal>

#include "simgpu/base/version.h"

namespace simgpu::app {

Result<device::Profile> loadProfile(const std::string& deviceProfile, const std::string& profileFile,
                                    base::Files& files) {
  if (profileFile.empty()) {
    return device::Profile::embedded(deviceProfile);
  }
  auto text = files.read(profileFile);
  if (!text) {
    return unexpected(text.error().with("--profile-file"));
  }
  return device::Profile::parse(*text, profileFile);
}

Result<kube::Config> clientConfig(const std::string& kubeconfig, base::Files& files, const Environment& environment) {
  if (kubeconfig.empty()) {
    auto config = kube::inClusterConfig(files, environment);
    return config ? config
                  : unexpected(config.error().with(
                        "create client: create client configuration: create in-cluster client configuration"));
  }
  auto config = kube::kubeconfig(files, kubeconfig);
  return config ? config
                : unexpected(config.error().with(
                      "create client: create client configuration: create out-of-cluster client configuration"));
}

std::string userAgent() {
  return fmt::format("dra-sim-gpu/{} (linux) commit/{}", base::version(), base::commit());
}

int waitForSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGQUIT}) {
    sigaddset(&signals, signal);
  }
  int received = 0;
  sigwait(&signals, &received);
  return received;
}

}  // namespace simgpu::app
