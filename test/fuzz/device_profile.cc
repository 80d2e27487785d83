// Device profiles, which users write.
#include <algorithm>
#include <set>

#include "fuzz/fuzz.h"
#include "simgpu/base/utf8.h"
#include "simgpu/device/profile.h"

namespace {

using namespace simgpu;
using fuzz::check;

/// So many devices are looked at: thousands of the same kind show nothing new.
constexpr std::size_t kSample = 8;

void checkAttributes(const device::Device& device) {
  for (const auto& [name, attribute] : device.attributes) {
    if (const auto* text = std::get_if<std::string>(&attribute)) {
      check(base::isUtf8(*text), "attributes can be sent as JSON");
    }
    if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute)) {
      check(!texts->empty() && std::ranges::all_of(*texts, base::isUtf8), "lists have something to send");
    }
  }
}

/// What the API server checks, too.
void checkPolicies(const device::Device& device) {
  check(device.requestPolicies.empty() || device.allowMultipleAllocations, "only what is shared has policies");
  for (const auto& [name, policy] : device.requestPolicies) {
    const base::Quantity& value = device.capacity.at(name);
    if (const auto& range = policy.validRange) {
      check(range->min <= policy.standard && policy.standard <= range->max && range->max <= value, "policies fit");
      check(!range->step || range->min + *range->step <= value, "there is room for a step");
    } else {
      check(policy.validValues.back() <= value, "values fit");
      check(std::ranges::find(policy.validValues, policy.standard) != policy.validValues.end(), "defaults are valid");
    }
  }
  for (const auto& [name, amount] : device.counters) {
    check(amount == device.capacity.at(name), "counters are capacities");
  }
}

void checkDevices(const device::Profile& profile, const device::NodeContext& node,
                  const std::vector<device::Device>& devices) {
  std::set<std::string_view> names;
  for (const device::Device& device : devices) {
    check(names.insert(device.name).second, "device names are unique");
    checkAttributes(device);
    checkPolicies(device);
  }
  cdi::Spec spec{.kind = "k8s." + node.driverName + "/" + profile.cdiClass(), .edits = profile.nodeEdits(node)};
  const device::Allocation allocation{.claimUid = "303b27ee-5d0c-4e4f-a6e4-6d1f8c6f5a11"};
  for (std::size_t i = 0; i < std::min(devices.size(), kSample); ++i) {
    auto parameters = profile.defaultParameters(devices[i].kind);
    check(parameters.has_value(), "every kind has default parameters");
    auto edits = profile.deviceEdits(node, devices[i], allocation, *parameters);
    if (!edits) {
      check(edits.error().code() == Code::failedPrecondition, "edits fail only for values that are not allowed");
      return;
    }
    spec.devices.push_back({.name = devices[i].name, .edits = *std::move(edits)});
  }
  check(devices.empty() || cdi::validate(spec), "the edits of a profile make a valid CDI spec");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto profile = device::Profile::parse(fuzz::textOf(data, size), "profile.yaml");
  if (!profile) {
    check(profile.error().code() == Code::invalidArgument, "a bad profile is an invalid argument");
    check(profile.error().message().starts_with("profile.yaml:"), "errors name the file and the line");
    return 0;
  }
  device::NodeContext node{.nodeName = "node-0", .driverName = profile->defaultDriverName(), .numDevices = 3};
  for (bool sharing : {false, true}) {
    node.gpuAllowMultipleAllocations = sharing;
    for (std::size_t partitions : {0, 3}) {
      node.gpuPartitions = partitions;
      node.bindingConditions = partitions > 0;
      auto devices = profile->devices(node);
      if (devices) {
        checkDevices(*profile, node, *devices);
      } else {
        check(devices.error().code() == Code::invalidArgument, "devices that cannot be are an invalid argument");
      }
    }
  }
  return 0;
}
