#include "device/gpu_config.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "device/go_json.h"

namespace simgpu::device {
namespace {

using nlohmann::json;

constexpr std::string_view kApiVersion = "gpu.resource.example.com/v1alpha1";
constexpr std::string_view kKind = "GpuConfig";
constexpr std::string_view kTimeSlicing = "TimeSlicing";
constexpr std::string_view kSpacePartitioning = "SpacePartitioning";
constexpr std::array<std::string_view, 4> kIntervals = {"Default", "Short", "Medium", "Long"};

/// The settings as they were sent, before defaults.
struct Sharing {
  std::string strategy;
  std::optional<std::string> interval;         ///< Set, perhaps empty, if timeSlicingConfig is there.
  std::optional<std::int64_t> partitionCount;  ///< Set, perhaps 0, if spacePartitioningConfig is there.
};

Status decodeTimeSlicing(const json& config, GoDecoder& decoder, Sharing& into) {
  if (auto status =
          GoDecoder::expectObject(config, {"GpuSharing", "sharing.timeSlicingConfig", "v1alpha1.TimeSlicingConfig"});
      !status) {
    return status;
  }
  decoder.noteUnknown(config, "sharing.timeSlicingConfig.", {"interval"});
  GoField field{"TimeSlicingConfig", "sharing.timeSlicingConfig.interval", "v1alpha1.TimeSliceInterval"};
  return GoDecoder::decode(config, "interval", field, into.interval.emplace());
}

Status decodeSpacePartitioning(const json& config, GoDecoder& decoder, Sharing& into) {
  if (auto status = GoDecoder::expectObject(
          config, {"GpuSharing", "sharing.spacePartitioningConfig", "v1alpha1.SpacePartitioningConfig"});
      !status) {
    return status;
  }
  decoder.noteUnknown(config, "sharing.spacePartitioningConfig.", {"partitionCount"});
  GoField field{"SpacePartitioningConfig", "sharing.spacePartitioningConfig.partitionCount", "int"};
  return GoDecoder::decode(config, "partitionCount", field, into.partitionCount.emplace());
}

Status decodeSharing(const json& value, GoDecoder& decoder, Sharing& into) {
  if (auto status = GoDecoder::expectObject(value, {"GpuConfig", "sharing", "v1alpha1.GpuSharing"}); !status) {
    return status;
  }
  decoder.noteUnknown(value, "sharing.", {"strategy", "timeSlicingConfig", "spacePartitioningConfig"});
  GoField strategy{"GpuSharing", "sharing.strategy", "v1alpha1.GpuSharingStrategy"};
  if (auto status = GoDecoder::decode(value, "strategy", strategy, into.strategy); !status) {
    return status;
  }
  if (const json* config = GoDecoder::member(value, "timeSlicingConfig")) {
    if (auto status = decodeTimeSlicing(*config, decoder, into); !status) {
      return status;
    }
  }
  const json* config = GoDecoder::member(value, "spacePartitioningConfig");
  return config == nullptr ? Status() : decodeSpacePartitioning(*config, decoder, into);
}

/// Empty if the parameters say nothing about sharing.
Result<std::optional<Sharing>> decode(const json& parameters) {
  if (auto status = checkType(parameters, kApiVersion, kKind); !status) {
    return unexpected(status);
  }
  GoDecoder decoder;
  decoder.noteUnknown(parameters, "", {"apiVersion", "kind", "sharing"});
  std::optional<Sharing> sharing;
  if (const json* value = GoDecoder::member(parameters, "sharing")) {
    if (auto status = decodeSharing(*value, decoder, sharing.emplace()); !status) {
      return unexpected(status);
    }
  }
  if (auto status = decoder.strict(); !status) {
    return unexpected(status);
  }
  return sharing;
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
  auto sharing = decode(parameters);
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
