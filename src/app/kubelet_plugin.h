#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/flags.h"
#include "simgpu/base/log.h"

namespace simgpu::app {

/// What the flags of `kubelet-plugin` say. Names, environment variables and defaults are those of the reference
/// driver's `dra-example-kubeletplugin`; the last group is ours.
struct KubeletPluginFlags {
  std::string nodeName;
  std::string driverName;  ///< Empty: the profile's.
  std::string deviceProfile = "gpu";
  std::string profileFile;
  std::int64_t numDevices = -1;       ///< -1: as many as the profile says.
  std::int64_t gpuPartitions = -1;    ///< Likewise.
  std::int64_t cpuNumaNodes = -1;     ///< Likewise.
  std::int64_t cpusPerNumaNode = -1;  ///< Likewise.
  bool gpuAllowMultipleAllocations = false;
  bool bindingConditions = false;
  std::string cdiRoot = "/etc/cdi";
  std::string registryDirectory = "/var/lib/kubelet/plugins_registry";
  std::string pluginsDirectory = "/var/lib/kubelet/plugins";
  std::string podUid;
  std::int64_t healthcheckPort = -1;
  std::int64_t metricsPort = -1;
  std::string kubeconfig;
  double kubeApiQps = 5;
  std::int64_t kubeApiBurst = 10;
  base::LogOptions log;
  std::string bootIdFile = "/proc/sys/kernel/random/boot_id";
  bool deviceMetadata = false;

  bool gpuDeviceStatus = false;
};

/// The subcommand; `flags` must outlive what it returns.
Subcommand kubeletPluginSubcommand(KubeletPluginFlags& flags);

/// What is wrong with the flags as a whole: missing ones, names that Kubernetes does not allow, paths that
/// the kubelet would misread. How long the paths of sockets may be is for the kubelet room to say.
Status validate(const KubeletPluginFlags& flags);

/// Runs until a signal arrives; the caller has blocked SIGHUP, SIGINT, SIGTERM and SIGQUIT in every thread.
Status runKubeletPlugin(const KubeletPluginFlags& flags, const Environment& environment);

}  // namespace simgpu::app
