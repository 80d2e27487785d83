#include "app/log_flags.h"

#include <algorithm>
#include <array>
#include <regex>
#include <utility>

#include "simgpu/base/quantity.h"

namespace simgpu::app {
namespace {

using Setter = std::function<Status(std::string_view)>;

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

}  // namespace

void addLogFlags(std::vector<Flag>& list, base::LogOptions& log) {
  list.insert(list.end(),
              {
                  {"feature-gates", "FEATURE_GATES", "Feature gates of the logging: accepted, all of them are on", "",
                   false, checkFeatureGates},
                  {"logging-format", "LOGGING_FORMAT", "text or json", "text", false, setLogFormat(log.format)},
                  {"v", "V", "Verbosity of the log", "0", false, setVerbosity(log.verbosity)},
                  {"vmodule", "VMODULE", "Verbosity by source file: <pattern>=<level>,…", "", false, setVmodule(log)},
              });
  auto addIgnored = [&list](const char* name, const char* variable, const char* byDefault, bool boolean, Setter set) {
    list.push_back({name, variable, "Accepted without effect: log lines are written at once, to standard error",
                    byDefault, boolean, std::move(set)});
  };
  addIgnored("log-flush-frequency", "LOG_FLUSH_FREQUENCY", "5s", false, ignoredDuration());
  addIgnored("log-json-info-buffer-size", "LOG_JSON_INFO_BUFFER_SIZE", "0", false, ignoredQuantity());
  addIgnored("log-text-info-buffer-size", "LOG_TEXT_INFO_BUFFER_SIZE", "0", false, ignoredQuantity());
  addIgnored("log-json-split-stream", "LOG_JSON_SPLIT_STREAM", "false", true, ignoredBoolean());
  addIgnored("log-text-split-stream", "LOG_TEXT_SPLIT_STREAM", "false", true, ignoredBoolean());
}

}  // namespace simgpu::app
