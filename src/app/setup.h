#pragma once

#include <string>

#include "simgpu/base/files.h"
#include "simgpu/device/profile.h"

namespace simgpu::app {

/// The profile in `profileFile`, or if that is empty, the built-in one of the name `deviceProfile`.
Result<device::Profile> loadProfile(const std::string& deviceProfile, const std::string& profileFile,
                                    base::Files& files);

/// Waits for a signal that means stop, and answers which. The caller has blocked SIGHUP, SIGINT, SIGTERM and SIGQUIT in
/// every thread.
int waitForSignal();

}  // namespace simgpu::app
