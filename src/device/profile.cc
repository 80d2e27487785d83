#include "simgpu/device/profile.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <nlohmann/json.hpp>

#include "device/device_builder.h"
#include "device/embedded_profiles.h"
#include "device/go_random.h"
#include "device/gpu_config.h"
#include "device/net_config.h"
#include "device/profile_data.h"
#include "device/syntax.h"

namespace simgpu::device {
namespace {

bool hasControlCharacter(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

Status checkNode(const NodeContext& node) {
  if (!isDnsSubdomain(node.nodeName)) {
    return Status::invalidArgument("node name: expected a DNS subdomain, found \"{}\"", node.nodeName);
  }
  if (!isDriverName(node.driverName)) {
    return Status::invalidArgument("driver name: expected a DNS subdomain of at most {} bytes, found \"{}\"",
                                   kMaxDriverNameLength, node.driverName);
  }
  return {};
}

template <typename Config>
Result<Parameters> asParameters(Result<Config> config) {
  return config ? Result<Parameters>(*std::move(config)) : unexpected(config.error());
}

/// What the node asks for has to have a meaning for some kind.
Status checkFlags(const ProfileData& profile, const NodeContext& node) {
  bool divisible = std::ranges::any_of(profile.devices, [](const KindData& kind) {
    return kind.partitions && kind.partitions->count.from == &NodeContext::gpuPartitions;
  });
  if (node.gpuPartitions.value_or(0) > 0 && !divisible) {
    return Status::invalidArgument("--gpu-partitions: profile {} has no devices that it could divide; leave it at 0",
                                   profile.name);
  }
  if (node.gpuAllowMultipleAllocations && !std::ranges::any_of(profile.devices, &KindData::shareableByFlag)) {
    return Status::invalidArgument(
        "--gpu-allow-multiple-allocations: profile {} has no devices that it could let claims share; leave it at false",
        profile.name);
  }
  return {};
}

}  // namespace

struct Profile::Data : ProfileData {
  Result<const KindData*> find(std::string_view kind) const {
    auto found = std::ranges::find(devices, kind, &KindData::kind);
    if (found == devices.end()) {
      return unexpected(Status::notFound("profile {} has no devices of kind \"{}\"", name, kind));
    }
    return &*found;
  }
};

Result<Profile> Profile::parse(std::string_view yaml, std::string_view origin) {
  auto data = parseProfile(yaml, origin);
  if (!data) {
    return unexpected(data.error());
  }
  return Profile(std::make_shared<const Data>(Data{*std::move(data)}));
}

std::vector<std::string_view> Profile::embeddedNames() {
  std::vector<std::string_view> names;
  for (const EmbeddedProfile& profile : embeddedProfiles()) {
    names.push_back(profile.name);
  }
  return names;
}

Result<Profile> Profile::embedded(std::string_view name) {
  auto profiles = embeddedProfiles();
  auto found = std::ranges::find(profiles, name, &EmbeddedProfile::name);
  if (found == profiles.end()) {
    return unexpected(Status::notFound("invalid device profile \"{}\", valid profiles are [\"{}\"]", name,
                                       fmt::join(embeddedNames(), "\" \"")));
  }
  return parse(found->text, fmt::format("embedded:{}", name));
}

const std::string& Profile::name() const {
  return data_->name;
}

const std::string& Profile::cdiClass() const {
  return data_->cdiClass;
}

const std::string& Profile::defaultDriverName() const {
  return data_->driverName;
}

std::vector<std::string> Profile::kinds() const {
  std::vector<std::string> kinds;
  std::ranges::transform(data_->devices, std::back_inserter(kinds), &KindData::kind);
  return kinds;
}

Result<std::vector<Device>> Profile::devices(const NodeContext& node) const {
  if (auto status = checkNode(node); !status) {
    return unexpected(status);
  }
  if (auto status = checkFlags(*data_, node); !status) {
    return unexpected(status);
  }
  std::size_t total = 0;
  for (const KindData& kind : data_->devices) {
    if (auto status = checkPartitions(kind, node); !status) {
      return unexpected(status.with("profile {}", data_->name));
    }
    std::size_t count = deviceCount(kind, node);
    total += count;
    if (total > kMaxDevices) {
      return unexpected(
          Status::invalidArgument("profile {}: expected at most {} devices on a node, found more with {} of kind {}",
                                  data_->name, kMaxDevices, count, kind.kind));
    }
  }
  std::vector<Device> devices;
  devices.reserve(total);
  std::set<std::string> names;
  UuidStream uuids(node.nodeName);
  for (const KindData& kind : data_->devices) {
    for (std::size_t index = 0; index < kind.count.on(node); ++index) {
      auto made = makeDevices(kind, node, index, uuids.next());
      if (!made) {
        return unexpected(made.error().with("profile {}", data_->name));
      }
      for (Device& device : *made) {
        if (!names.insert(device.name).second) {
          return unexpected(Status::invalidArgument(
              "profile {}: device {}: name: expected each name once, found it twice", data_->name, device.name));
        }
        devices.push_back(std::move(device));
      }
    }
  }
  return devices;
}

cdi::ContainerEdits Profile::nodeEdits(const NodeContext& node) const {
  Values values;
  values.node = &node;
  cdi::ContainerEdits edits;
  for (const EnvTemplate& variable : data_->env) {
    std::string entry;
    variable.name.append(values, entry);
    entry += '=';
    if (variable.value.append(values, entry) && !hasControlCharacter(entry)) {
      edits.env.push_back(std::move(entry));
    }
  }
  return edits;
}

Result<Parameters> Profile::decodeParameters(std::string_view kind, const nlohmann::json& parameters) const {
  auto found = data_->find(kind);
  if (!found) {
    return unexpected(found.error());
  }
  switch ((*found)->parameters) {
    case ParametersType::gpuConfig:
      return asParameters(decodeGpuConfig(parameters));
    case ParametersType::netConfig:
      return asParameters(decodeNetConfig(parameters));
    case ParametersType::none:
      break;
  }
  return unexpected(Status::invalidArgument("error decoding config parameters: devices of kind {} accept none", kind));
}

Result<Parameters> Profile::defaultParameters(std::string_view kind) const {
  auto found = data_->find(kind);
  if (!found) {
    return unexpected(found.error());
  }
  switch ((*found)->parameters) {
    case ParametersType::gpuConfig:
      return GpuConfig{.timeSliceInterval = "Default", .partitionCount = {}};
    case ParametersType::netConfig:
      return NetConfig();
    case ParametersType::none:
      break;
  }
  return Parameters();
}

Result<cdi::ContainerEdits> Profile::deviceEdits(const NodeContext& node, const Device& device,
                                                 const Allocation& allocation, const Parameters& parameters) const {
  auto kind = data_->find(device.kind);
  if (!kind) {
    return unexpected(kind.error());
  }
  Values values = valuesOf(node, device);
  values.allocation = &allocation;
  values.parameters = &parameters;
  if (const auto* config = std::get_if<GpuConfig>(&parameters)) {
    if (auto status = checkApplicable(*config, device.name); !status) {
      return unexpected(status);
    }
  }
  cdi::ContainerEdits edits;
  edits.env.reserve((*kind)->env.size());
  for (const EnvTemplate& variable : (*kind)->env) {
    std::string entry;
    variable.name.append(values, entry);
    bool soundName = isCIdentifier(entry);
    entry += '=';
    if (!variable.value.append(values, entry)) {
      continue;
    }
    if (!soundName || hasControlCharacter(entry)) {
      return unexpected(Status::failedPrecondition(
          "device {}: an environment variable would contain characters that are not allowed", device.name));
    }
    edits.env.push_back(std::move(entry));
  }
  return edits;
}

}  // namespace simgpu::device
