#include "simgpu/device/profile.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>

#include <nlohmann/json.hpp>

#include "device/embedded_profiles.h"
#include "device/go_random.h"
#include "device/gpu_config.h"
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

Result<Attribute> makeAttribute(AttributeType type, const std::string& text) {
  switch (type) {
    case AttributeType::integer: {
      std::int64_t number = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size()) {
        return unexpected(Status::invalidArgument("expected a whole number, found \"{}\"", text));
      }
      return number;
    }
    case AttributeType::boolean:
      if (text != "true" && text != "false") {
        return unexpected(Status::invalidArgument("expected true or false, found \"{}\"", text));
      }
      return text == "true";
    case AttributeType::version:
      if (!isSemanticVersion(text)) {
        return unexpected(
            Status::invalidArgument("expected a semantic version such as 1.0.0 of at most {} bytes, found \"{}\"",
                                    kMaxAttributeValueLength, text));
      }
      return Version{text};
    case AttributeType::string:
      break;
  }
  if (text.size() > kMaxAttributeValueLength) {
    return unexpected(
        Status::invalidArgument("expected at most {} bytes, found {}", kMaxAttributeValueLength, text.size()));
  }
  return text;
}

Result<Device> makeDevice(const KindData& kind, const NodeContext& node, std::size_t index, std::string uuid) {
  Device device{.name = {},
                .kind = kind.kind,
                .attributes = {},
                .capacity = kind.capacity,
                .allowMultipleAllocations = kind.allowMultipleAllocations,
                .index = index,
                .uuid = std::move(uuid)};
  std::string name;
  if (!kind.name.append(valuesOf(node, device), name) || !isDnsLabel(name)) {
    return unexpected(Status::invalidArgument(
        "device {} of kind {}: name: expected at most {} lower case letters, digits and '-', found \"{}\"", index,
        kind.kind, kMaxLabelLength, name));
  }
  device.name = std::move(name);
  Values values = valuesOf(node, device);
  for (const auto& [attributeName, source] : kind.attributes) {
    std::string text;
    source.value.append(values, text);
    auto attribute = makeAttribute(source.type, text);
    if (!attribute) {
      return unexpected(attribute.error().with("device {}: attributes.{}", device.name, attributeName));
    }
    device.attributes.emplace(attributeName, *std::move(attribute));
  }
  return device;
}

std::size_t countOf(const KindData& kind, const NodeContext& node) {
  return kind.countFromNumDevices ? node.numDevices.value_or(kind.count) : kind.count;
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
  std::size_t total = 0;
  for (const KindData& kind : data_->devices) {
    std::size_t count = countOf(kind, node);
    total += std::min(count, kMaxDevices + 1);
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
    for (std::size_t index = 0; index < countOf(kind, node); ++index) {
      auto device = makeDevice(kind, node, index, uuids.next());
      if (!device) {
        return unexpected(device.error().with("profile {}", data_->name));
      }
      if (!names.insert(device->name).second) {
        return unexpected(Status::invalidArgument(
            "profile {}: device {}: name: expected each name once, found it twice", data_->name, device->name));
      }
      devices.push_back(*std::move(device));
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
  if (!(*found)->acceptsGpuConfig) {
    return unexpected(
        Status::invalidArgument("error decoding config parameters: devices of kind {} accept none", kind));
  }
  auto config = decodeGpuConfig(parameters);
  if (!config) {
    return unexpected(config.error());
  }
  return *std::move(config);
}

Result<Parameters> Profile::defaultParameters(std::string_view kind) const {
  auto found = data_->find(kind);
  if (!found) {
    return unexpected(found.error());
  }
  if (!(*found)->acceptsGpuConfig) {
    return Parameters();
  }
  GpuConfig config;
  config.timeSliceInterval = "Default";
  return config;
}

Result<cdi::ContainerEdits> Profile::deviceEdits(const NodeContext& node, const Device& device,
                                                 const Allocation& allocation, const Parameters& parameters) const {
  auto kind = data_->find(device.kind);
  if (!kind) {
    return unexpected(kind.error());
  }
  Values values = valuesOf(node, device);
  values.allocation = &allocation;
  values.config = std::get_if<GpuConfig>(&parameters);
  if (values.config != nullptr) {
    if (auto status = checkApplicable(*values.config, device.name); !status) {
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
