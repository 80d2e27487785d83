#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "simgpu/claim/record.h"
#include "simgpu/device/inventory.h"

/// What the benchmarks work on. It stands for what is valid in the field, so nothing here fails.
namespace simgpu::bench {

inline constexpr std::size_t kDevices = 1000;

const claim::SpecNaming& naming();

/// A node with `kDevices` devices of the profile `gpu`.
const device::Inventory& inventory();

/// An allocated ResourceClaim of one device with a GpuConfig, as the API server sends it, with managed fields.
std::string_view claimText();

/// The UID of the claim of that number.
std::string claimUid(std::size_t number);

/// What preparing that claim would write: the device of the same number, with the parameters of `claimText`.
claim::Record record(std::size_t number);

}  // namespace simgpu::bench
