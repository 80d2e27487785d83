#pragma once

#include <string>

#include "app/flags.h"
#include "simgpu/base/files.h"
#include "simgpu/device/profile.h"
#include "simgpu/kube/config.h"

namespace simgpu::app {

/// The profile in `profileFile`, or if that is empty, the built-in one of the name `deviceProfile`.
Result<device::Profile> loadProfile(const std::string& deviceProfile, const std::string& profileFile,
                                    base::Files& files);

/// How to reach the API server: the kubeconfig, or if that is empty, the service account of the pod.
Result<kube::Config> clientConfig(const std::string& kubeconfig, base::Files& files, const Environment& environment);

/// What this program calls itself to the API server.
std::string userAgent();

/// Waits for a signal that means stop, and answers which. The caller has blocked SIGHUP, SIGINT, SIGTERM and SIGQUIT in
/// every thread.
int waitForSignal();

}  // namespace simgpu::app
