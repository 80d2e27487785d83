#include "simgpu/slice/plan.h"

#include <algorithm>
#include <charconv>

namespace simgpu::slice {
namespace {

/// What the server appends to `metadata.generateName`.
constexpr std::size_t kRandomCharacters = 5;

kube::DeviceAttribute toKube(const device::Attribute& attribute) {
  return std::visit(
      [](const auto& value) -> kube::DeviceAttribute {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, device::Version>) {
          return kube::VersionValue{value.text};
        } else {
          return value;
        }
      },
      attribute);
}

kube::Device toKube(const device::Device& device) {
  kube::Device result{.name = device.name};
  for (const auto& [name, value] : device.attributes) {
    result.attributes.emplace(name, toKube(value));
  }
  result.capacity = device.capacity;
  result.allowMultipleAllocations = device.allowMultipleAllocations;
  return result;
}

}  // namespace

std::vector<kube::ResourceSlice> plan(const device::Inventory& inventory) {
  const std::vector<device::Device>& devices = inventory.devices();
  std::size_t count = std::max<std::size_t>(1, (devices.size() + kMaxDevicesPerSlice - 1) / kMaxDevicesPerSlice);
  std::vector<kube::ResourceSlice> slices(count);
  for (std::size_t i = 0; i < count; ++i) {
    kube::ResourceSlice& slice = slices[i];
    slice.driver = inventory.node().driverName;
    slice.nodeName = inventory.node().nodeName;
    slice.pool = {.name = inventory.pool(), .resourceSliceCount = static_cast<std::int64_t>(count)};
    std::size_t end = std::min(devices.size(), (i + 1) * kMaxDevicesPerSlice);
    for (std::size_t d = i * kMaxDevicesPerSlice; d < end; ++d) {
      slice.devices.push_back(toKube(devices[d]));
    }
  }
  return slices;
}

std::string generateName(std::size_t index, const kube::ResourceSlice& slice) {
  return fmt::format("{:05x}-{}-{}-", index, slice.driver, slice.nodeName);
}

std::optional<std::size_t> indexOf(const kube::ResourceSlice& slice) {
  std::string_view prefix = slice.metadata.name;
  prefix.remove_suffix(std::min(prefix.size(), kRandomCharacters));
  std::size_t dash = prefix.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  std::size_t index = 0;
  auto [end, error] = std::from_chars(prefix.data(), prefix.data() + dash, index, 16);
  // Of a long name the server has kept the beginning only.
  if (error != std::errc() || end != prefix.data() + dash || !generateName(index, slice).starts_with(prefix)) {
    return std::nullopt;
  }
  return index;
}

}  // namespace simgpu::slice
