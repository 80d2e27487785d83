#include "app/check_injection.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <utility>

namespace simgpu::app {
namespace {

constexpr std::string_view kInfix = "_DEVICE_";
constexpr std::string_view kClaimSuffix = "_RESOURCE_CLAIM";
constexpr const char* kDriverVariable = "DRA_RESOURCE_DRIVER_NAME";

/// `GPU_0_FULL` → `gpu-0-full`.
std::string deviceNameOf(std::string_view upperName) {
  std::string name;
  std::ranges::transform(upperName, std::back_inserter(name),
                         [](unsigned char c) { return c == '_' ? '-' : static_cast<char>(std::tolower(c)); });
  return name;
}

std::string valueOf(const Environment& environment, const std::string& variable, std::string otherwise) {
  auto found = environment.find(variable);
  return found == environment.end() ? std::move(otherwise) : found->second;
}

/// The UIDs of claims by device. Each device has a variable `<CLASS>_DEVICE_<DEVICE>_RESOURCE_CLAIM`, in which the
/// device stands by its name or, in old releases, by its number; then `<CLASS>_DEVICE_<number>` is its name. Both may
/// be there.
std::map<std::string, std::string> claimsByDevice(const Environment& environment) {
  std::map<std::string, std::string> claims;
  for (const auto& [variable, value] : environment) {
    std::size_t infix = variable.find(kInfix);
    if (infix == std::string::npos || infix == 0 || !variable.ends_with(kClaimSuffix)) {
      continue;
    }
    std::string stem = variable.substr(0, variable.size() - kClaimSuffix.size());
    std::size_t start = infix + kInfix.size();
    if (start < stem.size()) {
      claims.emplace(valueOf(environment, stem, deviceNameOf(stem.substr(start))), value);
    }
  }
  return claims;
}

}  // namespace

Subcommand checkInjectionSubcommand() {
  return {.name = "check-injection",
          .help = "In a container that uses a claim: print the devices that it was given, or fail",
          .flags = {}};
}

Result<std::string> checkInjection(const Environment& environment) {
  auto claims = claimsByDevice(environment);
  bool hasDriver = environment.contains(kDriverVariable);
  if (claims.empty() && !hasDriver) {
    return unexpected(Status::notFound(
        "this container was given no device. Either it does not list the claim of its pod under resources.claims, or "
        "the container runtime does not inject CDI devices: for containerd set enable_cdi = true, and cdi_spec_dirs so "
        "that it contains the directory of the driver's --cdi-root; for CRI-O set cdi_spec_dirs likewise; then restart "
        "the runtime"));
  }
  std::string driver = valueOf(environment, kDriverVariable, "unknown");
  std::string node = valueOf(environment, "KUBERNETES_NODE_NAME", "unknown");
  if (claims.empty()) {
    return fmt::format("driver={}  node={}  (no variable *_DEVICE_*_RESOURCE_CLAIM says which devices)\n", driver,
                       node);
  }
  std::vector<std::pair<std::string, std::string>> devices(claims.begin(), claims.end());
  std::ranges::stable_sort(devices, {}, [](const auto& device) { return device.first.size(); });  // gpu-2, gpu-10
  std::string lines;
  for (const auto& [device, claim] : devices) {
    fmt::format_to(std::back_inserter(lines), "{}  claim={}  driver={}  node={}\n", device, claim, driver, node);
  }
  return lines;
}

}  // namespace simgpu::app
