#include "app/setup.h"

#include <csignal>

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
