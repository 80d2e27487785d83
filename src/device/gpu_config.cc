#include "device/gpu_config.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace simgpu::device {
namespace {

using nlohmann::json;

constexpr std::string_view kApiVersion = "gpu.resource.example.com/v1alpha1";
constexpr std::string_view kKind = "GpuConfig";
constexpr std::string_view kTimeSlicing = "TimeSlicing";
constexpr std::string_view kSpacePartitioning = "SpacePartitioning";
constexpr std::array<std::string_view, 4> kIntervals = {"Default", "Short", "Medium", "Long"};

/// JSON text for a message; invalid UTF-8 does not throw.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// How Go's encoding/json names the type of a value that does not fit.
std::string goTypeOf(const json& value) {
  switch (value.type()) {
    case json::value_t::string:
      return "string";
    case json::value_t::boolean:
      return "bool";
    case json::value_t::array:
      return "array";
    case json::value_t::object:
      return "object";
    default:
      return "number";
  }
}

/// A member of a Go struct, for the text of a type mismatch.
struct GoField {
  std::string_view structName;
  std::string_view path;
  std::string_view type;
};

Status mismatch(std::string_view found, const GoField& field) {
  return Status::invalidArgument("json: cannot unmarshal {} into Go struct field {}.{} of type {}", found,
                                 field.structName, field.path, field.type);
}

/// The settings as they were sent, before defaults.
struct Sharing {
  std::string strategy;
  std::optional<std::string> interval;         ///< Set, perhaps empty, if timeSlicingConfig is there.
  std::optional<std::int64_t> partitionCount;  ///< Set, perhaps 0, if spacePartitioningConfig is there.
};

/// Collects the unknown fields of all levels while the known ones are decoded.
class Decoder {
 public:
  Result<std::optional<Sharing>> decode(const json& parameters) {
    noteUnknown(parameters, "", {"apiVersion", "kind", "sharing"});
    std::optional<Sharing> sharing;
    if (const json* value = member(parameters, "sharing")) {
      if (auto status = decodeSharing(*value, sharing.emplace()); !status) {
        return unexpected(status);
      }
    }
    if (!unknown_.empty()) {
      return unexpected(Status::invalidArgument("strict decoding error: {}", unknown_));
    }
    return sharing;
  }

 private:
  /// A member that is there and not null.
  static const json* member(const json& object, const char* key) {
    auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  void noteUnknown(const json& object, std::string_view prefix, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : object.items()) {
      if (std::ranges::find(known, key) == known.end()) {
        unknown_ += fmt::format("{}unknown field \"{}{}\"", unknown_.empty() ? "" : ", ", prefix, key);
      }
    }
  }

  static Status decodeString(const json& object, const char* key, const GoField& field, std::string& into) {
    const json* value = member(object, key);
    if (value == nullptr) {
      return {};
    }
    if (!value->is_string()) {
      return mismatch(goTypeOf(*value), field);
    }
    into = value->get<std::string>();
    return {};
  }

  static Status decodeInt(const json& object, const char* key, const GoField& field, std::int64_t& into) {
    const json* value = member(object, key);
    if (value == nullptr) {
      return {};
    }
    bool tooLarge = value->is_number_unsigned() &&
                    value->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (value->is_number_float() || tooLarge) {
      return mismatch("number " + dump(*value), field);
    }
    if (!value->is_number_integer()) {
      return mismatch(goTypeOf(*value), field);
    }
    into = value->get<std::int64_t>();
    return {};
  }

  Status decodeSharing(const json& value, Sharing& into) {
    if (!value.is_object()) {
      return mismatch(goTypeOf(value), {"GpuConfig", "sharing", "v1alpha1.GpuSharing"});
    }
    noteUnknown(value, "sharing.", {"strategy", "timeSlicingConfig", "spacePartitioningConfig"});
    if (auto status = decodeString(value, "strategy", {"GpuSharing", "sharing.strategy", "v1alpha1.GpuSharingStrategy"},
                                   into.strategy);
        !status) {
      return status;
    }
    if (const json* config = member(value, "timeSlicingConfig")) {
      if (!config->is_object()) {
        return mismatch(goTypeOf(*config), {"GpuSharing", "sharing.timeSlicingConfig", "v1alpha1.TimeSlicingConfig"});
      }
      noteUnknown(*config, "sharing.timeSlicingConfig.", {"interval"});
      GoField field{"TimeSlicingConfig", "sharing.timeSlicingConfig.interval", "v1alpha1.TimeSliceInterval"};
      if (auto status = decodeString(*config, "interval", field, into.interval.emplace()); !status) {
        return status;
      }
    }
    if (const json* config = member(value, "spacePartitioningConfig")) {
      if (!config->is_object()) {
        return mismatch(goTypeOf(*config),
                        {"GpuSharing", "sharing.spacePartitioningConfig", "v1alpha1.SpacePartitioningConfig"});
      }
      noteUnknown(*config, "sharing.spacePartitioningConfig.", {"partitionCount"});
      GoField field{"SpacePartitioningConfig", "sharing.spacePartitioningConfig.partitionCount", "int"};
      return decodeInt(*config, "partitionCount", field, into.partitionCount.emplace());
    }
    return {};
  }

  std::string unknown_;
};

Status checkType(const json& parameters) {
  if (!parameters.is_object()) {
    return Status::invalidArgument("couldn't get version/kind; expected a JSON object, found {}", goTypeOf(parameters));
  }
  std::map<std::string_view, std::string> texts;
  for (const char* key : {"apiVersion", "kind"}) {
    auto found = parameters.find(key);
    if (found == parameters.end() || found->is_null()) {
      continue;
    }
    if (!found->is_string()) {
      return mismatch(goTypeOf(*found), {"", key, "string"}).with("couldn't get version/kind; json parse error");
    }
    texts[key] = found->get<std::string>();
  }
  for (auto [name, key] : {std::pair("Kind", "kind"), std::pair("apiVersion", "apiVersion")}) {
    if (texts[key].empty()) {
      return Status::invalidArgument("Object '{}' is missing in '{}'", name, dump(parameters));
    }
  }
  if (texts["kind"] != kKind || texts["apiVersion"] != kApiVersion) {
    return Status::invalidArgument(
        "no kind \"{}\" is registered for version \"{}\" in scheme \"pkg/runtime/scheme.go:111\"", texts["kind"],
        texts["apiVersion"]);
  }
  return {};
}

/// Defaults for what is missing, as the reference's `Normalize`.
GpuConfig normalize(const std::optional<Sharing>& sharing) {
  GpuConfig config;
  config.timeSliceInterval = "Default";
  if (!sharing) {
    return config;
  }
  config.strategy = sharing->strategy;
  if (sharing->strategy == kSpacePartitioning) {
    config.timeSliceInterval.reset();
    config.partitionCount = sharing->partitionCount.value_or(1);
    config.bothSettings = sharing->interval.has_value();
  } else {
    config.timeSliceInterval = sharing->interval.value_or("Default");
    config.bothSettings = sharing->partitionCount.has_value();
  }
  return config;
}

Status validate(const GpuConfig& config) {
  if (config.strategy != kTimeSlicing && config.strategy != kSpacePartitioning) {
    return Status::failedPrecondition("unknown GPU sharing strategy: {}", config.strategy);
  }
  if (config.timeSliceInterval && std::ranges::find(kIntervals, *config.timeSliceInterval) == kIntervals.end()) {
    return Status::failedPrecondition("unknown time-slice interval: {}", *config.timeSliceInterval);
  }
  if (config.partitionCount && *config.partitionCount < 0) {
    return Status::failedPrecondition("invalid partition count: {}", *config.partitionCount);
  }
  return {};
}

}  // namespace

Result<GpuConfig> decodeGpuConfig(const json& parameters) {
  if (auto status = checkType(parameters); !status) {
    return unexpected(status.with("error decoding config parameters"));
  }
  auto sharing = Decoder().decode(parameters);
  if (!sharing) {
    return unexpected(sharing.error().with("error decoding config parameters"));
  }
  GpuConfig config = normalize(*sharing);
  if (auto status = validate(config); !status) {
    return unexpected(status.with("error validating GPU config"));
  }
  return config;
}

Status checkSettings(const GpuConfig& config) {
  if (!config.bothSettings) {
    return {};
  }
  return Status::failedPrecondition("cannot use {} with the '{}' strategy",
                                    config.strategy == kTimeSlicing ? "SpacePartitioningConfig" : "TimeSlicingConfig",
                                    config.strategy);
}

Status checkApplicable(const GpuConfig& config, std::string_view deviceName) {
  return checkSettings(config).with("unable to get {} config for device {}",
                                    config.strategy == kTimeSlicing ? "time slicing" : "space partitioning",
                                    deviceName);
}

}  // namespace simgpu::device
