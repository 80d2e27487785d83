#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/result.h"
#include "simgpu/kube/types.h"

namespace simgpu::controller {

/// Names of devices: `gpu-1`, or with the pool `worker-1/gpu-1`; `*` stands for any text without `/`.
class DevicePattern {
 public:
  /// invalidArgument if a part is empty.
  static Result<DevicePattern> parse(std::string_view text);

  bool matches(const kube::AllocationResult& result) const;
  bool operator==(const DevicePattern&) const = default;

 private:
  DevicePattern(std::string pool, std::string device) : pool_(std::move(pool)), device_(std::move(device)) {}

  std::string pool_;
  std::string device_;
};

/// What becomes of the binding conditions of one driver's devices. Without further ado each device becomes ready. A
/// failure can be rehearsed with a list of devices, or with the annotation `<driver>/binding` of a claim, which counts
/// more:
/// - `ready`: its devices become ready;
/// - `fail`: their failure conditions are set instead;
/// - `wait`: nothing is set until the annotation changes or goes away.
struct BindingRules {
  std::string driverName;
  std::vector<DevicePattern> failDevices;

  std::string annotation() const { return driverName + "/binding"; }
};

/// What there is to do for a claim.
struct BindingStep {
  /// All entries of `status.devices` that the controller must apply, also those that are as they should be: what is not
  /// applied again would disappear. Empty: nothing to do.
  std::vector<kube::AllocatedDeviceStatus> statuses;
  std::vector<std::string> changes;      ///< For people: `gpu-0: BindingConditions`
  std::optional<std::string> complaint;  ///< What is wrong with the claim's annotation.
};

/// Compares a claim with the rules. Conditions that are True already, whoever set them, stay as they are; a device
/// whose binding conditions are all True is not made to fail any more. Devices without binding conditions, and those of
/// other drivers, are left alone.
BindingStep planBinding(const BindingRules& rules, const kube::ResourceClaim& claim,
                        std::chrono::system_clock::time_point now);

}  // namespace simgpu::controller
