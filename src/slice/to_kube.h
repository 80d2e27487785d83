#pragma once

#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "simgpu/device/device.h"
#include "simgpu/kube/types.h"
#include "simgpu/slice/plan.h"

namespace simgpu::slice {

/// A device in the form that the API server knows. What it does not know goes into `leftOut`, each thing once.
kube::Device toKube(const device::Device& device, const ServerFeatures& server, std::vector<std::string>& leftOut);

kube::CounterSet toKube(const device::CounterSet& set);

template <typename T>
inline constexpr bool kIsVector = false;
template <typename T>
inline constexpr bool kIsVector<std::vector<T>> = true;

/// Whether the attribute, in either form, is a list.
bool isList(const auto& attribute) {
  return std::visit([](const auto& value) { return kIsVector<std::decay_t<decltype(value)>>; }, attribute);
}

}  // namespace simgpu::slice
