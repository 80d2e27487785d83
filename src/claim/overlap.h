#pragma once

#include <optional>
#include <span>
#include <string>

#include "simgpu/claim/record.h"
#include "simgpu/device/inventory.h"

namespace simgpu::claim {

/// Judges which claims can be prepared beside each other, whatever the scheduler thought: a device has one claim, or
/// several with a share each; the devices of one piece of hardware never draw more from it than it has, nor do the
/// shares of a device.
///
/// What a claim took is what its record says. What there is is what the inventory says; without one, or for a device
/// that it does not know, amounts are not compared.
class Overlap {
 public:
  struct Conflict {
    const Record* holder = nullptr;  ///< Null if the claim is in its own way.
    std::string device;              ///< That is wanted.
    std::string subject;             ///< The beginning of a sentence that goes on with `in use by`.

    /// The sentence: failedPrecondition, naming the holder.
    Status status() const;
  };

  explicit Overlap(const device::Inventory* inventory) : inventory_(inventory) {}

  /// Adds what the inventory knows and a record of another driver, or of an earlier release, does not say.
  void complete(HeldDevice& held) const;

  /// Why `wanted` cannot be prepared beside `others`.
  std::optional<Conflict> find(const Record& wanted, std::span<const Record* const> others) const;

 private:
  using Others = std::span<const Record* const>;

  static std::optional<Conflict> sameDevice(const HeldDevice& wanted, Others others);
  std::optional<Conflict> counters(const Record& record, const HeldDevice& wanted, Others others) const;
  std::optional<Conflict> shares(const Record& record, const HeldDevice& wanted, Others others) const;

  const device::Inventory* inventory_;
};

}  // namespace simgpu::claim
