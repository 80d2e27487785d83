#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/flags.h"
#include "simgpu/base/log.h"
#include "simgpu/controller/binding_rules.h"

namespace simgpu::app {

/// What the flags of `controller` say. Those of the reference driver's `dra-example-controller` keep their names and
/// defaults; the last group is ours.
struct ControllerFlags {
  std::string driverName = "gpu.example.com";
  std::vector<std::string> plugins;
  std::string kubeconfig;
  std::int64_t metricsPort = 8080;

  std::vector<controller::DevicePattern> failDevices;
  double kubeApiQps = 20;
  std::int64_t kubeApiBurst = 30;
  base::LogOptions log;
};

/// The subcommand; `flags` must outlive what it returns.
Subcommand controllerSubcommand(ControllerFlags& flags);

/// What is wrong with the flags as a whole. For a plugin that does not exist, the words of the reference driver.
Status validate(const ControllerFlags& flags);

/// Runs until a signal arrives; the caller has blocked SIGHUP, SIGINT, SIGTERM and SIGQUIT in every thread.
Status runController(const ControllerFlags& flags, const Environment& environment);

}  // namespace simgpu::app
