#include "simgpu/claim/allocation.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace simgpu::claim {
namespace {

std::string_view mainRequest(std::string_view request) {
  return request.substr(0, request.find('/'));
}

bool appliesTo(const kube::AllocationConfig& config, std::string_view request) {
  return config.requests.empty() || std::ranges::any_of(config.requests, [&](const std::string& name) {
           return name == request || name == mainRequest(request);
         });
}

/// Strength of an entry's source; empty for one that this release does not know.
std::optional<int> strengthOf(const kube::AllocationConfig& config) {
  if (config.source == "FromClass") {
    return 1;
  }
  if (config.source == "FromClaim") {
    return 2;
  }
  return std::nullopt;
}

/// Refuses what this driver cannot understand, for the whole claim: half a configuration is worse than none.
Status checkConfigs(const std::vector<kube::AllocationConfig>& configs) {
  for (const kube::AllocationConfig& config : configs) {
    if (!strengthOf(config)) {
      return Status::invalidArgument("error getting opaque device configs: invalid config source: {}", config.source);
    }
    if (!config.hasOpaque) {
      return Status::invalidArgument(
          "error getting opaque device configs: only opaque parameters are supported by this driver");
    }
  }
  return {};
}

/// The strongest entry for a request; null if only the default applies.
const kube::AllocationConfig* configFor(const std::vector<kube::AllocationConfig>& configs, std::string_view driver,
                                        std::string_view request) {
  const kube::AllocationConfig* strongest = nullptr;
  for (const kube::AllocationConfig& config : configs) {
    bool matches = config.driver == driver && appliesTo(config, request);
    if (matches && (strongest == nullptr || *strengthOf(config) >= *strengthOf(*strongest))) {
      strongest = &config;
    }
  }
  return strongest;
}

Result<device::Parameters> parametersFor(const device::Profile& profile, const std::string& kind,
                                         const kube::AllocationConfig* config) {
  auto parameters =
      config == nullptr ? profile.defaultParameters(kind) : profile.decodeParameters(kind, config->parameters);
  if (!parameters) {
    // Text that cannot be decoded and values that are not allowed are told apart as the reference driver does.
    bool undecodable = parameters.error().code() == Code::invalidArgument;
    return unexpected(
        parameters.error().with("{}", undecodable ? "error getting opaque device configs" : "error applying config"));
  }
  return parameters;
}

/// More than this no claim may have of a capacity.
base::Quantity mostOf(const device::Device& device, const std::string& name, const base::Quantity& capacity) {
  auto policy = device.requestPolicies.find(name);
  bool limited = policy != device.requestPolicies.end() && policy->second.validRange;
  return limited ? std::min(policy->second.validRange->max, capacity) : capacity;
}

/// The scheduler may know an older state of the device.
Status checkConsumed(const kube::AllocationResult& result, const device::Device& device) {
  for (const auto& [name, amount] : result.consumedCapacity) {
    auto capacity = device.capacity.find(name);
    if (capacity == device.capacity.end()) {
      continue;
    }
    if (base::Quantity most = mostOf(device, name, capacity->second); amount > most) {
      return Status::failedPrecondition("the claim was given {} {} of device {}, of which a claim may have at most {}",
                                        amount.toString(), name, device.name, most.toString());
    }
  }
  return {};
}

/// Builds a record result by result.
class Resolver {
 public:
  Resolver(const device::Inventory& inventory, const SpecNaming& naming, const ClaimRef& claim,
           const kube::Allocation& allocation)
      : inventory_(inventory), naming_(naming), allocation_(allocation), prepared_{.claim = claim} {
    adminAccess_ = std::ranges::any_of(allocation.results, &kube::AllocationResult::adminAccess);
  }

  Status add(const kube::AllocationResult& result) {
    const device::Device* device = inventory_.find(result.device);
    if (device == nullptr) {
      return Status::notFound("requested device is not allocatable: {}", result.device);
    }
    if (result.pool != inventory_.pool()) {
      return Status::notFound("requested device is not allocatable: {} of pool {} (the pool of this node is {})",
                              result.device, result.pool, inventory_.pool());
    }
    if (Status checked = checkConsumed(result, *device); !checked) {
      return checked;
    }
    auto edits = editsOf(result, *device);
    if (!edits) {
      return edits.error();
    }
    std::string name = naming_.deviceName(prepared_.claim.uid, result.device, result.shareId);
    if (Status added = addCdiDevice({.name = name, .edits = *std::move(edits)}); !added) {
      return added;
    }
    prepared_.devices.push_back({.requests = {std::string(mainRequest(result.request))},
                                 .pool = result.pool,
                                 .device = result.device,
                                 .shareId = result.shareId,
                                 .cdiIds = {cdi::qualifiedName(naming_.kind(), name)}});
    if (!result.adminAccess) {
      held_.push_back(
          {.pool = result.pool,
           .device = result.device,
           .shareId = result.shareId,
           .parent = device->parent == device->name ? "" : device->parent,
           .counters = device->counters,
           .consumed = result.shareId.empty() ? decltype(result.consumedCapacity)() : result.consumedCapacity});
    }
    return {};
  }

  Result<Record> finish(const std::string& bootId) && {
    if (prepared_.devices.empty()) {
      return unexpected(Status::invalidArgument(
          "unable to create CDI spec file for claim: invalid CDI Spec: invalid spec, no devices"));
    }
    return makeRecord(naming_, std::move(prepared_), std::move(held_), bootId, std::move(cdiDevices_),
                      inventory_.profile().nodeEdits(inventory_.node()));
  }

 private:
  Result<cdi::ContainerEdits> editsOf(const kube::AllocationResult& result, const device::Device& device) const {
    const device::Profile& profile = inventory_.profile();
    const kube::AllocationConfig* config = configFor(allocation_.config, naming_.driverName, result.request);
    auto parameters = parametersFor(profile, device.kind, config);
    if (!parameters) {
      return unexpected(parameters.error());
    }
    device::Allocation allocation{.claimUid = prepared_.claim.uid,
                                  .shareId = result.shareId,
                                  .adminAccess = adminAccess_,
                                  .consumedCapacity = result.consumedCapacity};
    auto edits = profile.deviceEdits(inventory_.node(), device, allocation, *parameters);
    if (!edits) {
      return unexpected(edits.error().with("error applying config"));
    }
    return edits;
  }

  /// Two requests of a claim may have the same device, one of them for administration; the container then gets it once.
  Status addCdiDevice(cdi::Device device) {
    auto same = std::ranges::find(cdiDevices_, device.name, &cdi::Device::name);
    if (same == cdiDevices_.end()) {
      cdiDevices_.push_back(std::move(device));
      return {};
    }
    if (*same != device) {
      return Status::invalidArgument(
          "unable to create CDI spec file for claim: invalid CDI Spec: invalid spec, multiple device \"{}\" (two "
          "requests "
          "of the claim configure it differently)",
          device.name);
    }
    return {};
  }

  const device::Inventory& inventory_;
  const SpecNaming& naming_;
  const kube::Allocation& allocation_;
  bool adminAccess_ = false;
  PreparedClaim prepared_;
  std::vector<HeldDevice> held_;
  std::vector<cdi::Device> cdiDevices_;
};

}  // namespace

Result<Record> resolveAllocation(const device::Inventory& inventory, const SpecNaming& naming, const ClaimRef& claim,
                                 const kube::Allocation& allocation, const std::string& bootId) {
  if (Status checked = checkConfigs(allocation.config); !checked) {
    return unexpected(checked);
  }
  Resolver resolver(inventory, naming, claim, allocation);
  for (const kube::AllocationResult& result : allocation.results) {
    if (result.driver != naming.driverName) {
      continue;
    }
    if (Status added = resolver.add(result); !added) {
      return unexpected(added);
    }
  }
  return std::move(resolver).finish(bootId);
}

}  // namespace simgpu::claim
