#include "standin/claim_manager.h"

#include <algorithm>

#include "standin/json_access.h"
#include "standin/uri.h"

namespace simgpu::standin {

using nlohmann::json;

namespace {

std::string keyOf(const json& object) {
  const json& metadata = at(object, "metadata");
  return textAt(metadata, "namespace") + "/" + textAt(metadata, "name");
}

std::string uidOf(const json& object) {
  return textAt(at(object, "metadata"), "uid");
}

std::set<std::string> driversOf(const json& claim) {
  std::set<std::string> drivers;
  for (const json& result : at(at(at(at(claim, "status"), "allocation"), "devices"), "results")) {
    drivers.insert(textAt(result, "driver"));
  }
  return drivers;
}

}  // namespace

std::string claimNameFor(const json& pod, const json& podClaim) {
  if (std::string direct = textAt(podClaim, "resourceClaimName"); !direct.empty()) {
    return direct;
  }
  for (const json& status : at(at(pod, "status"), "resourceClaimStatuses")) {
    if (textAt(status, "name") == textAt(podClaim, "name")) {
      return textAt(status, "resourceClaimName");
    }
  }
  return "";
}

Result<json> ClaimManager::usableClaim(const json& pod, const json& podClaim) {
  const json& metadata = at(pod, "metadata");
  std::string podName = textAt(metadata, "name");
  std::string name = claimNameFor(pod, podClaim);
  if (name.empty()) {
    return unexpected(Status::failedPrecondition("pod \"{}/{}\": pod claim {}: ResourceClaim not created yet",
                                                 textAt(metadata, "namespace"), podName, textAt(podClaim, "name")));
  }
  auto claim = api_.get(fmt::format("/apis/resource.k8s.io/v1/namespaces/{}/resourceclaims/{}",
                                    percentEncode(textAt(metadata, "namespace")), percentEncode(name)));
  if (!claim) {
    return unexpected(claim.error().with("failed to fetch ResourceClaim {} referenced by pod {}", name, podName));
  }
  if (!textAt(podClaim, "resourceClaimTemplateName").empty()) {
    const json& owners = at(at(*claim, "metadata"), "ownerReferences");
    if (std::ranges::none_of(owners, [&](const json& owner) { return textAt(owner, "uid") == uidOf(pod); })) {
      return unexpected(Status::failedPrecondition("ResourceClaim {} was not created for pod {}", name, podName));
    }
  }
  const json& reserved = at(at(*claim, "status"), "reservedFor");
  if (std::ranges::none_of(reserved, [&](const json& consumer) { return textAt(consumer, "uid") == uidOf(pod); })) {
    return unexpected(Status::failedPrecondition("pod {}({}) is not allowed to use ResourceClaim {}({})", podName,
                                                 uidOf(pod), name, uidOf(*claim)));
  }
  if (at(at(*claim, "status"), "allocation").is_null()) {
    return unexpected(Status::failedPrecondition("ResourceClaim {} is not allocated", name));
  }
  return claim;
}

Status ClaimManager::reference(const json& pod, const json& claim) {
  std::lock_guard lock(mutex_);
  const json& metadata = at(claim, "metadata");
  std::string name = textAt(metadata, "name");
  ClaimInfo& info = claims_[keyOf(claim)];
  if (!info.claim.uid.empty() && info.claim.uid != uidOf(claim)) {
    return Status::failedPrecondition(
        "old ResourceClaim with same name {} and different UID {} still exists (previous pod force-deleted?!)", name,
        info.claim.uid);
  }
  info.claim = {textAt(metadata, "namespace"), uidOf(claim), name};
  info.podUids.insert(uidOf(pod));
  for (const std::string& driver : driversOf(claim)) {
    info.drivers.try_emplace(driver);
  }
  return {};
}

Status ClaimManager::preparePod(const json& pod) {
  std::map<std::string, std::vector<PluginClaim>> batches;
  std::vector<std::string> keys;
  std::vector<json> claims;
  for (const json& podClaim : at(at(pod, "spec"), "resourceClaims")) {
    auto claim = usableClaim(pod, podClaim);
    if (!claim) {
      return claim.error().with("prepare dynamic resources");
    }
    for (const std::string& driver : driversOf(*claim)) {
      if (!findPlugin_(driver)) {
        return Status::unavailable("prepare dynamic resources: DRA driver {} is not registered", driver);
      }
    }
    claims.push_back(std::move(*claim));
  }
  for (const json& claim : claims) {
    if (Status status = reference(pod, claim); !status) {
      return status.with("prepare dynamic resources");
    }
    std::lock_guard lock(mutex_);
    const ClaimInfo& info = claims_[keyOf(claim)];
    keys.push_back(keyOf(claim));
    for (const auto& [driver, devices] : info.drivers) {
      if (!info.prepared) {
        batches[driver].push_back(info.claim);
      }
    }
  }
  if (Status status = callDrivers(batches); !status) {
    return status.with("prepare dynamic resources");
  }
  std::lock_guard lock(mutex_);
  for (const std::string& key : keys) {
    claims_[key].prepared = true;
  }
  return {};
}

Status ClaimManager::callDrivers(const std::map<std::string, std::vector<PluginClaim>>& batches) {
  for (const auto& [driver, claims] : batches) {
    auto plugin = findPlugin_(driver);
    if (!plugin) {
      return Status::unavailable("DRA driver {} is not registered", driver);
    }
    auto prepared = plugin->prepare(claims);
    if (!prepared) {
      return prepared.error();
    }
    std::lock_guard lock(mutex_);
    for (const PluginClaim& claim : claims) {
      claims_[claim.space + "/" + claim.name].drivers[driver] = (*prepared)[claim.uid];
    }
  }
  return {};
}

Status ClaimManager::unpreparePod(const std::string& podUid) {
  std::map<std::string, std::vector<PluginClaim>> batches;
  std::vector<std::string> last;
  {
    std::lock_guard lock(mutex_);
    for (auto& [key, info] : claims_) {
      if (!info.podUids.contains(podUid)) {
        continue;
      }
      if (info.podUids.size() > 1) {
        info.podUids.erase(podUid);
        continue;
      }
      last.push_back(key);
      for (const auto& [driver, devices] : info.drivers) {
        batches[driver].push_back(info.claim);
      }
    }
  }
  for (const auto& [driver, claims] : batches) {
    auto plugin = findPlugin_(driver);
    Status status = plugin ? plugin->unprepare(claims) : Status::unavailable("DRA driver {} is not registered", driver);
    if (!status) {
      return status.with("unprepare dynamic resources");
    }
  }
  std::lock_guard lock(mutex_);
  for (const std::string& key : last) {
    claims_.erase(key);
  }
  return {};
}

std::vector<std::string> ClaimManager::cdiDevices(const json& pod, const json& container) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const json& use : at(at(container, "resources"), "claims")) {
    std::string request = textAt(use, "request");
    for (const json& podClaim : at(at(pod, "spec"), "resourceClaims")) {
      auto info = claims_.find(textAt(at(pod, "metadata"), "namespace") + "/" + claimNameFor(pod, podClaim));
      if (textAt(podClaim, "name") != textAt(use, "name") || info == claims_.end()) {
        continue;
      }
      for (const auto& [driver, devices] : info->second.drivers) {
        for (const PreparedDevice& device : devices) {
          bool wanted = request.empty() || device.requestNames.empty() ||
                        std::ranges::find(device.requestNames, request) != device.requestNames.end();
          if (wanted) {
            ids.insert(ids.end(), device.cdiDeviceIds.begin(), device.cdiDeviceIds.end());
          }
        }
      }
    }
  }
  return ids;
}

}  // namespace simgpu::standin
