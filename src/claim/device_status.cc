#include "simgpu/claim/device_status.h"

#include <algorithm>
#include <array>
#include <variant>

#include "simgpu/kube/json.h"

namespace simgpu::claim {
namespace {

using nlohmann::json;

constexpr std::array kAttributes = {"driverVersion", "model", "uuid"};

json attributeJson(const device::Attribute& attribute) {
  if (const auto* version = std::get_if<device::Version>(&attribute)) {
    return kube::toJson(kube::VersionValue{version->text});
  }
  const auto* text = std::get_if<std::string>(&attribute);
  return text == nullptr ? json() : kube::toJson(*text);
}

/// Null if the device has none of the attributes.
json dataOf(const device::Device& device) {
  json data;
  for (const char* name : kAttributes) {
    auto attribute = device.attributes.find(name);
    if (json value = attribute == device.attributes.end() ? json() : attributeJson(attribute->second);
        !value.is_null()) {
      data[name] = std::move(value);
    }
  }
  return data;
}

}  // namespace

std::vector<kube::AllocatedDeviceStatus> describeDevices(const device::Inventory& inventory,
                                                         const kube::Allocation& allocation) {
  std::vector<kube::AllocatedDeviceStatus> statuses;
  for (const kube::AllocationResult& result : allocation.results) {
    bool ours = result.driver == inventory.node().driverName && result.pool == inventory.pool();
    const device::Device* device = ours ? inventory.find(result.device) : nullptr;
    bool known = std::ranges::any_of(statuses,
                                     [&](const kube::AllocatedDeviceStatus& status) { return status.isAbout(result); });
    if (device == nullptr || known) {
      continue;
    }
    if (json data = dataOf(*device); !data.is_null()) {
      statuses.push_back({.driver = result.driver,
                          .pool = result.pool,
                          .device = result.device,
                          .shareId = result.shareId,
                          .data = std::move(data)});
    }
  }
  return statuses;
}

bool saysAlready(const kube::ResourceClaim& claim, const std::vector<kube::AllocatedDeviceStatus>& wanted) {
  return std::ranges::all_of(wanted, [&](const kube::AllocatedDeviceStatus& status) {
    return std::ranges::any_of(claim.devices, [&](const kube::AllocatedDeviceStatus& stored) {
      return stored.driver == status.driver && stored.pool == status.pool && stored.device == status.device &&
             stored.shareId == status.shareId && stored.data == status.data;
    });
  });
}

}  // namespace simgpu::claim
