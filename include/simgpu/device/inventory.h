#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "simgpu/base/result.h"
#include "simgpu/device/device.h"
#include "simgpu/device/profile.h"

namespace simgpu::device {

/// The devices of one node: a profile applied to it. Immutable, and so safe to use from several threads.
class Inventory {
 public:
  /// Fails where `Profile::devices` does.
  static Result<Inventory> create(Profile profile, NodeContext node);

  const Profile& profile() const { return profile_; }
  const NodeContext& node() const { return node_; }

  /// The pool that all devices of the node are in.
  const std::string& pool() const { return node_.nodeName; }

  /// In the order in which they are published.
  const std::vector<Device>& devices() const { return devices_; }

  /// What the partitions of each piece of hardware share, in the order of the devices. Empty without partitions.
  const std::vector<CounterSet>& counterSets() const { return counterSets_; }

  /// Null if there is no such counter set.
  const CounterSet* findCounterSet(std::string_view name) const;

  /// Null if there is no such device.
  const Device* find(std::string_view name) const;

 private:
  Inventory(Profile profile, NodeContext node, std::vector<Device> devices);

  Profile profile_;
  NodeContext node_;
  std::vector<Device> devices_;
  std::vector<CounterSet> counterSets_;
  std::unordered_map<std::string, std::size_t> counterSetByName_;
  std::unordered_map<std::string, std::size_t> byName_;
};

}  // namespace simgpu::device
