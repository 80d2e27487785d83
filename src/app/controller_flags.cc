#include <algorithm>
#include <array>

#include "app/controller.h"
#include "app/log_flags.h"

namespace simgpu::app {
namespace {

using Setter = std::function<Status(std::string_view)>;

constexpr std::string_view kBindingConditions = "BindingConditions";

/// The parts of a list whose values are separated by commas or, if the flag was repeated, by newlines.
std::vector<std::string> partsOf(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    std::size_t end = std::min(text.find_first_of(",\n"), text.size());
    if (end > 0) {
      parts.emplace_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return parts;
}

Setter setList(std::vector<std::string>& target) {
  return [&target](std::string_view text) {
    target = partsOf(text);
    return Status();
  };
}

Setter setPatterns(std::vector<controller::DevicePattern>& target) {
  return [&target](std::string_view text) {
    target.clear();
    for (const std::string& part : partsOf(text)) {
      auto pattern = controller::DevicePattern::parse(part);
      if (!pattern) {
        return pattern.error();
      }
      target.push_back(*std::move(pattern));
    }
    return Status();
  };
}

/// A setting of the reference driver's log that has no meaning here, with the values that it has there.
template <std::size_t Count>
Setter ignoredChoice(const std::array<std::string_view, Count>& values) {
  return [values](std::string_view text) {
    return std::ranges::find(values, text) != values.end()
               ? Status()
               : Status::invalidArgument("expected one of {}", fmt::join(values, ", "));
  };
}

/// false is the form for machines.
Setter setDevelopment(base::LogOptions& log) {
  return [&log](std::string_view text) {
    bool development = true;
    Status set = setBoolean(development)(text);
    if (set && !development) {
      log.format = base::LogFormat::json;
    }
    return set;
  };
}

Setter setEncoder(base::LogOptions& log) {
  return [&log](std::string_view text) {
    if (text != "json" && text != "console") {
      return Status::invalidArgument("expected json or console");
    }
    log.format = text == "json" ? base::LogFormat::json : base::LogFormat::text;
    return Status();
  };
}

/// `debug` and numbers let more through; less than `info` is not offered.
Setter setZapLevel(base::LogOptions& log) {
  return [&log](std::string_view text) {
    static constexpr std::array<std::string_view, 3> kQuiet = {"info", "error", "panic"};
    std::int64_t level = text == "debug" ? 1 : 0;
    bool named = text == "debug" || std::ranges::find(kQuiet, text) != kQuiet.end();
    if (!named && !setInteger(level, 1, 1000)(text)) {
      return Status::invalidArgument("expected debug, info, error, panic or a number from 1 on");
    }
    log.verbosity = static_cast<int>(level);
    return Status();
  };
}

void addZapFlags(std::vector<Flag>& list, base::LogOptions& log) {
  static constexpr std::array<std::string_view, 3> kStacktraceLevels = {"info", "error", "panic"};
  static constexpr std::array<std::string_view, 6> kTimeEncodings = {"epoch",   "millis",  "nano",
                                                                     "iso8601", "rfc3339", "rfc3339nano"};
  list.push_back({"zap-devel", "", "false: as --logging-format=json, unless --zap-encoder is given", "true", true,
                  setDevelopment(log)});
  list.push_back(
      {"zap-encoder", "", "console or json: as --logging-format=text or json", "console", false, setEncoder(log)});
  list.push_back({"zap-log-level", "", "debug is -v=1, a number -v of that number; info, error and panic are -v=0",
                  "info", false, setZapLevel(log)});
  list.push_back({"zap-stacktrace-level", "", "Accepted without effect: there are no stack traces", "", false,
                  ignoredChoice(kStacktraceLevels)});
  list.push_back({"zap-time-encoding", "", "Accepted without effect: times have the form of the log", "", false,
                  ignoredChoice(kTimeEncodings)});
}

}  // namespace

Subcommand controllerSubcommand(ControllerFlags& flags) {
  std::vector<Flag> list = {
      {"driver-name", "DRIVER_NAME", "Name of the DRA driver whose devices are looked after", "gpu.example.com", false,
       setText(flags.driverName)},
      {.name = "enable-plugin",
       .environment = "",
       .help = "Plugins to run, separated by commas or as several flags: BindingConditions is the only one",
       .defaultText = "",
       .set = setList(flags.plugins),
       .repeatable = true},
      {.name = "fail-devices",
       .environment = "FAIL_DEVICES",
       .help =
           "Devices whose binding fails, as <device> or <pool>/<device> with * for any text, separated by commas or "
           "as several flags",
       .defaultText = "",
       .set = setPatterns(flags.failDevices),
       .repeatable = true},
      {"metrics-port", "METRICS_PORT", "Port of /metrics, /healthz and /readyz; 0: any, negative: off", "8080", false,
       setPort(flags.metricsPort)},
      {"kubeconfig", "KUBECONFIG", "Kubeconfig file", "the service account of the pod", false,
       setText(flags.kubeconfig)},
      {"kube-api-qps", "KUBE_API_QPS", "Requests a second to the API server", "20", false, setNumber(flags.kubeApiQps)},
      {"kube-api-burst", "KUBE_API_BURST", "Requests to the API server in a burst", "30", false,
       setInteger(flags.kubeApiBurst, 1, 1'000'000)},
  };
  addZapFlags(list, flags.log);
  addLogFlags(list, flags.log);
  return {.name = "controller",
          .help = "Set the binding conditions of allocated devices, for all nodes of a cluster",
          .flags = std::move(list)};
}

Status validate(const ControllerFlags& flags) {
  for (const std::string& plugin : flags.plugins) {
    if (plugin != kBindingConditions) {
      return Status::invalidArgument(
          "invalid value \"{}\" for flag -enable-plugin: unknown plugin \"{}\" (available: {})", plugin, plugin,
          kBindingConditions);
    }
  }
  if (flags.driverName.empty()) {
    return Status::invalidArgument("--driver-name: \"\": expected the name of a DRA driver");
  }
  return checkDriverName(flags.driverName);
}

}  // namespace simgpu::app
