#include "simgpu/device/inventory.h"

#include <utility>

namespace simgpu::device {

Result<Inventory> Inventory::create(Profile profile, NodeContext node) {
  auto devices = profile.devices(node);
  if (!devices) {
    return unexpected(devices.error());
  }
  return Inventory(std::move(profile), std::move(node), *std::move(devices));
}

Inventory::Inventory(Profile profile, NodeContext node, std::vector<Device> devices)
    : profile_(std::move(profile)), node_(std::move(node)), devices_(std::move(devices)) {
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    byName_.emplace(devices_[i].name, i);
  }
}

const Device* Inventory::find(std::string_view name) const {
  auto found = byName_.find(std::string(name));
  return found == byName_.end() ? nullptr : &devices_[found->second];
}

}  // namespace simgpu::device
