#include "simgpu/device/inventory.h"

#include <algorithm>
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
  // The whole of a piece of hardware is among its devices, and draws all that there is.
  for (const Device& device : devices_) {
    if (device.counterSet.empty()) {
      continue;
    }
    auto [place, fresh] = counterSetByName_.emplace(device.counterSet, counterSets_.size());
    CounterSet& set = fresh ? counterSets_.emplace_back(CounterSet{.name = device.counterSet, .counters = {}})
                            : counterSets_[place->second];
    for (const auto& [name, amount] : device.counters) {
      set.counters[name] = std::max(set.counters[name], amount);
    }
  }
}

const CounterSet* Inventory::findCounterSet(std::string_view name) const {
  auto found = counterSetByName_.find(std::string(name));
  return found == counterSetByName_.end() ? nullptr : &counterSets_[found->second];
}

const Device* Inventory::find(std::string_view name) const {
  auto found = byName_.find(std::string(name));
  return found == byName_.end() ? nullptr : &devices_[found->second];
}

}  // namespace simgpu::device
