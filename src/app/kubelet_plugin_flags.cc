#include <algorithm>
#include <array>
#include <cctype>
#include <regex>

#include "app/kubelet_plugin.h"
#include "simgpu/base/quantity.h"

namespace simgpu::app {
namespace {

using Setter = std::function<Status(std::string_view)>;

constexpr std::int64_t kMaxDevices = 10000;
constexpr std::int64_t kMaxVerbosity = 1000;

// Settings that have no meaning here; nonsense is refused nevertheless, because it shows that something else was meant.

Setter ignoredBoolean() {
  return [](std::string_view text) {
    bool value = false;
    return setBoolean(value)(text);
  };
}

Setter ignoredQuantity() {
  return [](std::string_view text) {
    return base::Quantity::parse(text) ? Status() : Status::invalidArgument("expected a quantity such as 0 or 64Ki");
  };
}

/// Go's form: `5s`, `1m30s`.
Setter ignoredDuration() {
  return [](std::string_view text) {
    static const std::regex kDuration("0|([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+");
    return std::regex_match(text.begin(), text.end(), kDuration)
               ? Status()
               : Status::invalidArgument("expected a duration such as 5s or 1m30s");
  };
}

Setter setLogFormat(base::LogFormat& target) {
  return [&target](std::string_view text) {
    if (text != "text" && text != "json") {
      return Status::invalidArgument("expected text or json");
    }
    target = text == "json" ? base::LogFormat::json : base::LogFormat::text;
    return Status();
  };
}

Setter setVerbosity(int& target) {
  return [&target](std::string_view text) {
    std::int64_t level = 0;
    Status set = setInteger(level, 0, kMaxVerbosity)(text);
    target = static_cast<int>(level);
    return set;
  };
}

Setter setVmodule(base::LogOptions& target) {
  return [&target](std::string_view text) {
    target.verbosityByFile = text;
    return base::Logger::validate(target);
  };
}

/// `name=true,…`: the reference driver has gates for its logging only.
Status checkFeatureGates(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kGates = {"AllAlpha", "AllBeta", "ContextualLogging",
                                                             "LoggingAlphaOptions", "LoggingBetaOptions"};
  while (!text.empty()) {
    std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    std::string_view gate = entry.substr(0, entry.find('='));
    bool value = false;
    std::string_view given = gate.size() < entry.size() ? entry.substr(gate.size() + 1) : "";
    if (std::ranges::find(kGates, gate) == kGates.end() || !setBoolean(value)(given)) {
      return Status::invalidArgument("expected <gate>=true|false,… with the gates {}", fmt::join(kGates, ", "));
    }
  }
  return {};
}

bool isDnsLabel(std::string_view label) {
  auto alphanumeric = [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0; };
  return !label.empty() && label.size() <= 63 && alphanumeric(static_cast<unsigned char>(label.front())) &&
         alphanumeric(static_cast<unsigned char>(label.back())) &&
         std::ranges::all_of(label, [&](unsigned char c) { return alphanumeric(c) || c == '-'; });
}

/// A DNS subdomain as Kubernetes checks it (RFC 1123).
bool isDnsSubdomain(std::string_view name, std::size_t longest) {
  if (name.empty() || name.size() > longest) {
    return false;
  }
  for (std::size_t start = 0; start <= name.size();) {
    std::size_t dot = std::min(name.find('.', start), name.size());
    if (!isDnsLabel(name.substr(start, dot - start))) {
      return false;
    }
    start = dot + 1;
  }
  return true;
}

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
      {"metrics-port", "METRICS_PORT", "Port of the HTTP metrics; accepted, but this release serves none yet", "-1",
       false, setPort(flags.metricsPort)},
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
       "Write the status of devices into claims; accepted, but this release writes none yet", "false", true,
       setBoolean(flags.gpuDeviceStatus)},
      {"cpu-numa-nodes", "CPU_NUMA_NODES", "Number of NUMA nodes of the profile cpu", "8", false,
       setInteger(flags.cpuNumaNodes, 0, kMaxDevices)},
      {"cpus-per-numa-node", "CPUS_PER_NUMA_NODE", "CPUs of each NUMA node of the profile cpu", "4", false,
       setInteger(flags.cpusPerNumaNode, 0, kMaxDevices)},
      {"feature-gates", "FEATURE_GATES", "Feature gates of the logging: accepted, all of them are on", "", false,
       checkFeatureGates},
      {"logging-format", "LOGGING_FORMAT", "text or json", "text", false, setLogFormat(flags.log.format)},
      {"v", "V", "Verbosity of the log", "0", false, setVerbosity(flags.log.verbosity)},
      {"vmodule", "VMODULE", "Verbosity by source file: <pattern>=<level>,…", "", false, setVmodule(flags.log)},
      {"boot-id-file", "BOOT_ID_FILE", "File with the boot ID of the node; another one voids what is prepared",
       "/proc/sys/kernel/random/boot_id", false, setText(flags.bootIdFile)},
  };
  auto addIgnored = [&list](const char* name, const char* variable, const char* byDefault, bool boolean, Setter set) {
    list.push_back({name, variable, "Accepted without effect: log lines are written at once, to standard error",
                    byDefault, boolean, std::move(set)});
  };
  addIgnored("log-flush-frequency", "LOG_FLUSH_FREQUENCY", "5s", false, ignoredDuration());
  addIgnored("log-json-info-buffer-size", "LOG_JSON_INFO_BUFFER_SIZE", "0", false, ignoredQuantity());
  addIgnored("log-text-info-buffer-size", "LOG_TEXT_INFO_BUFFER_SIZE", "0", false, ignoredQuantity());
  addIgnored("log-json-split-stream", "LOG_JSON_SPLIT_STREAM", "false", true, ignoredBoolean());
  addIgnored("log-text-split-stream", "LOG_TEXT_SPLIT_STREAM", "false", true, ignoredBoolean());
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
  if (!flags.driverName.empty() && !isDnsSubdomain(flags.driverName, 63)) {
    return Status::invalidArgument(
        "--driver-name: \"{}\": expected a DNS name: at most 63 lower-case letters, digits, '-' and '.'",
        flags.driverName);
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
