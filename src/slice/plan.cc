#include "simgpu/slice/plan.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "slice/to_kube.h"

namespace simgpu::slice {
namespace {

/// What the server appends to `metadata.generateName`.
constexpr std::size_t kRandomCharacters = 5;

/// Counter sets have slices of their own since then, and tighter limits.
constexpr kube::ServerVersion kSeparateCounters{.major = 1, .minor = 35};

/// Whether the API allows only half as many devices in a slice with this one.
bool isIntricate(const kube::Device& device) {
  auto list = [](const auto& attribute) { return isList(attribute.second); };
  return !device.taints.empty() || !device.consumesCounters.empty() || std::ranges::any_of(device.attributes, list);
}

/// Fills slices one after the other.
class Planner {
 public:
  Planner(const device::Inventory& inventory, const ServerFeatures& server)
      : inventory_(inventory), separate_(server.version >= kSeparateCounters) {
    devices_.reserve(inventory.devices().size());
    for (const device::Device& device : inventory.devices()) {
      devices_.push_back(toKube(device, server, result_.leftOut));
    }
    if (separate_ && std::ranges::any_of(devices_, isIntricate)) {
      most_ = kMaxIntricateDevicesPerSlice;
    }
  }

  Plan finish() && {
    if (separate_) {
      addCounterSets();
    }
    addDevices();
    if (result_.slices.empty()) {
      open();
    }
    for (kube::ResourceSlice& slice : result_.slices) {
      slice.pool.resourceSliceCount = static_cast<std::int64_t>(result_.slices.size());
    }
    return std::move(result_);
  }

 private:
  kube::ResourceSlice& open() {
    kube::ResourceSlice& slice = result_.slices.emplace_back();
    slice.driver = inventory_.node().driverName;
    slice.nodeName = inventory_.node().nodeName;
    slice.pool = {.name = inventory_.pool()};
    return slice;
  }

  void addCounterSets() {
    kube::ResourceSlice* slice = nullptr;
    for (const device::CounterSet& set : inventory_.counterSets()) {
      if (slice == nullptr || slice->sharedCounters.size() == kMaxCounterSetsPerSlice) {
        slice = &open();
      }
      slice->sharedCounters.push_back(toKube(set));
    }
  }

  /// How many devices from `begin` on have to be in one slice: those that draw from the same counters, where the
  /// counters are in that slice too.
  std::size_t groupAt(std::size_t begin) const {
    const auto& all = inventory_.devices();
    const std::string& counterSet = all[begin].counterSet;
    if (separate_ || counterSet.empty()) {
      return 1;
    }
    auto end = std::find_if(all.begin() + static_cast<std::ptrdiff_t>(begin), all.end(),
                            [&](const device::Device& device) { return device.counterSet != counterSet; });
    return static_cast<std::size_t>(end - all.begin()) - begin;
  }

  void addDevices() {
    kube::ResourceSlice* slice = nullptr;
    std::size_t counters = 0;  // in the slice
    for (std::size_t begin = 0; begin < devices_.size();) {
      std::size_t group = groupAt(begin);
      const std::string& counterSet = inventory_.devices()[begin].counterSet;
      const device::CounterSet* set = separate_ ? nullptr : inventory_.findCounterSet(counterSet);
      std::size_t more = set == nullptr ? 0 : set->counters.size();
      bool full = slice != nullptr && !slice->devices.empty() &&
                  (slice->devices.size() + group > most_ || counters + more > kMaxCountersPerSlice);
      if (slice == nullptr || full) {
        slice = &open();
        counters = 0;
      }
      if (set != nullptr) {
        slice->sharedCounters.push_back(toKube(*set));
        counters += more;
      }
      auto first = devices_.begin() + static_cast<std::ptrdiff_t>(begin);
      std::move(first, first + static_cast<std::ptrdiff_t>(group), std::back_inserter(slice->devices));
      begin += group;
    }
  }

  const device::Inventory& inventory_;
  const bool separate_;
  std::vector<kube::Device> devices_;
  std::size_t most_ = kMaxDevicesPerSlice;
  Plan result_;
};

}  // namespace

bool dependsOnServer(const device::Inventory& inventory) {
  return std::ranges::any_of(inventory.devices(), [](const device::Device& device) {
    return !device.counterSet.empty() || !device.taints.empty() || !device.nodeAllocatable.empty() ||
           std::ranges::any_of(device.attributes, [](const auto& attribute) { return isList(attribute.second); });
  });
}

Plan plan(const device::Inventory& inventory, const ServerFeatures& server) {
  return Planner(inventory, server).finish();
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
