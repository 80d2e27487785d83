#include <algorithm>
#include <cctype>

#include "app/kubelet_plugin.h"
#include "app/log_flags.h"

namespace simgpu::app {
namespace {

constexpr std::int64_t kMaxDevices = 10000;

Status checkDirectory(std::string_view flag, const std::string& path) {
  if (!path.starts_with('/')) {
    return Status::invalidArgument("--{}: \"{}\": expected an absolute path", flag, path);
  }
  auto misread = [](unsigned char c) { return c == '%' || c == '?' || c == '#' || std::iscntrl(c) != 0; };
  if (std::ranges::any_of(path, misread)) {
    return Status::invalidArgument("--{}: \"{}\": the kubelet misreads paths with '%', '?', '#' or control characters",
                                   flag, path);
  }
  return {};
}

}  // namespace

Subcommand kubeletPluginSubcommand(KubeletPluginFlags& flags) {
  std::vector<Flag> list = {
      {"node-name", "NODE_NAME", "Name of the node, of its pool, and seed of the device UUIDs; required", "", false,
       setText(flags.nodeName)},
      {"driver-name", "DRIVER_NAME", "Name of the DRA driver", "<profile>.example.com", false,
       setText(flags.driverName)},
      {"device-profile", "DEVICE_PROFILE", "Built-in profile that describes the devices", "gpu", false,
       setText(flags.deviceProfile)},
      {"profile-file", "PROFILE_FILE", "YAML file that describes the devices, instead of a built-in profile", "", false,
       setText(flags.profileFile)},
      {"num-devices", "NUM_DEVICES", "Number of devices of the kinds whose count the profile leaves open", "8 for gpu",
       false, setInteger(flags.numDevices, 0, kMaxDevices)},
      {"cdi-root", "CDI_ROOT", "Directory for CDI specs; the container runtime must read it", "/etc/cdi", false,
       setText(flags.cdiRoot)},
      {"kubelet-registrar-directory-path", "KUBELET_REGISTRAR_DIRECTORY_PATH",
       "Directory in which the kubelet looks for registration sockets", "/var/lib/kubelet/plugins_registry", false,
       setText(flags.registryDirectory)},
      {"kubelet-plugins-directory-path", "KUBELET_PLUGINS_DIRECTORY_PATH",
       "Directory of the kubelet's plugins; ours get a directory named like the driver in it",
       "/var/lib/kubelet/plugins", false, setText(flags.pluginsDirectory)},
      {"pod-uid", "POD_UID", "UID of this pod; makes the socket names unique, for rolling updates", "", false,
       setText(flags.podUid)},
      {"healthcheck-port", "HEALTHCHECK_PORT", "Port of the gRPC health service; 0: any, negative: off", "-1", false,
       setPort(flags.healthcheckPort)},
      {"metrics-port", "METRICS_PORT", "Port of the metrics, GET /metrics; 0: any, negative: off", "-1", false,
       setPort(flags.metricsPort)},
      {"kubeconfig", "KUBECONFIG", "Kubeconfig file", "the service account of the pod", false,
       setText(flags.kubeconfig)},
      {"kube-api-qps", "KUBE_API_QPS", "Requests a second to the API server; reads of claims do not count", "5", false,
       setNumber(flags.kubeApiQps)},
      {"kube-api-burst", "KUBE_API_BURST", "Requests to the API server in a burst", "10", false,
       setInteger(flags.kubeApiBurst, 1, 1'000'000)},
      {"gpu-partitions", "GPU_PARTITIONS", "Partitions that each GPU can be divided into; 0: none", "0", false,
       setInteger(flags.gpuPartitions, 0, kMaxDevices)},
      {"gpu-allow-multiple-allocations", "GPU_ALLOW_MULTIPLE_ALLOCATIONS",
       "Let claims share GPUs, by the memory and compute that they ask for", "false", true,
       setBoolean(flags.gpuAllowMultipleAllocations)},
      {"binding-conditions", "BINDING_CONDITIONS",
       "Give each device conditions that a controller has to set before pods are bound", "false", true,
       setBoolean(flags.bindingConditions)},
      {"gpu-device-status", "GPU_DEVICE_STATUS",
       "Write UUID, model and driver version of allocated devices into the status of their claims", "false", true,
       setBoolean(flags.gpuDeviceStatus)},
      {"cpu-numa-nodes", "CPU_NUMA_NODES", "Number of NUMA nodes of the profile cpu", "8", false,
       setInteger(flags.cpuNumaNodes, 0, kMaxDevices)},
      {"cpus-per-numa-node", "CPUS_PER_NUMA_NODE", "CPUs of each NUMA node of the profile cpu", "4", false,
       setInteger(flags.cpusPerNumaNode, 0, kMaxDevices)},
      {"device-metadata", "DEVICE_METADATA",
       "Mount files into containers that describe their devices (KEP-5304 device metadata)", "false", true,
       setBoolean(flags.deviceMetadata)},
      {"boot-id-file", "BOOT_ID_FILE", "File with the boot ID of the node; another one voids what is prepared",
       "/proc/sys/kernel/random/boot_id", false, setText(flags.bootIdFile)},
  };
  addLogFlags(list, flags.log);
  return {.name = "kubelet-plugin",
          .help = "Serve the kubelet of one node: publish devices, prepare claims",
          .flags = std::move(list)};
}

Status validate(const KubeletPluginFlags& flags) {
  if (flags.nodeName.empty()) {
    return Status::invalidArgument(
        "Required flag \"node-name\" not set: give --node-name, or NODE_NAME from spec.nodeName of the pod");
  }
  if (!isDnsSubdomain(flags.nodeName, 253)) {
    return Status::invalidArgument(
        "--node-name: \"{}\": expected the name of a Node: at most 253 lower-case letters, digits, '-' and '.'",
        flags.nodeName);
  }
  if (Status checked = checkDriverName(flags.driverName); !checked) {
    return checked;
  }
  if (Status checked = checkDirectory("cdi-root", flags.cdiRoot); !checked) {
    return checked;
  }
  if (Status checked = checkDirectory("kubelet-registrar-directory-path", flags.registryDirectory); !checked) {
    return checked;
  }
  if (Status checked = checkDirectory("kubelet-plugins-directory-path", flags.pluginsDirectory); !checked) {
    return checked;
  }
  auto usable = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
  if (!std::ranges::all_of(flags.podUid, usable) || flags.podUid.size() > 63) {
    return Status::invalidArgument("--pod-uid: \"{}\": expected the UID of a pod: letters, digits and '-'",
                                   flags.podUid);
  }
  return {};
}

}  // namespace simgpu::app
