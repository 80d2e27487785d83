#include "standin/allocator.h"

#include <algorithm>

#include "standin/device_selector.h"
#include "standin/json_access.h"

namespace simgpu::standin {

using nlohmann::json;

namespace {

/// Whether all selectors of a class or request hold.
Result<bool> selected(const json& selectors, const std::string& driver, const json& device) {
  for (const json& selector : selectors) {
    auto parsed = DeviceSelector::parse(textAt(at(selector, "cel"), "expression"));
    if (!parsed) {
      return unexpected(parsed.error());
    }
    auto result = parsed->matches(driver, device);
    if (!result || !*result) {
      return result;
    }
  }
  return true;
}

bool tolerates(const json& tolerations, const json& taint) {
  return std::ranges::any_of(tolerations, [&](const json& toleration) {
    std::string key = textAt(toleration, "key");
    std::string effect = textAt(toleration, "effect");
    bool exists = textAt(toleration, "operator") == "Exists";
    return (key.empty() ? exists : key == textAt(taint, "key")) &&
           (effect.empty() || effect == textAt(taint, "effect")) &&
           (exists || textAt(toleration, "value") == textAt(taint, "value"));
  });
}

bool isTainted(const json& device, const json& tolerations) {
  return std::ranges::any_of(at(device, "taints"), [&](const json& taint) {
    std::string effect = textAt(taint, "effect");
    return (effect == "NoSchedule" || effect == "NoExecute") && !tolerates(tolerations, taint);
  });
}

Amounts consumedBy(const json& result) {
  Amounts consumed;
  for (const auto& [name, amount] : at(result, "consumedCapacity").items()) {
    consumed[name] =
        base::Quantity::parse(amount.is_string() ? amount.get<std::string>() : "0").value_or(base::Quantity());
  }
  return consumed;
}

/// A UUID of its own for each share: a claim is allocated once.
std::string shareId(const std::string& claimUid, std::size_t result) {
  std::uint64_t hash = std::hash<std::string>()(claimUid);
  return fmt::format("{:08x}-{:04x}-4000-8000-{:012x}", static_cast<std::uint32_t>(hash >> 32), (hash >> 16) & 0xffff,
                     ((hash & 0xffff) << 32) + result);
}

std::string mainOf(const std::string& request) {
  return request.substr(0, request.find('/'));
}

}  // namespace

Allocator::Allocator(const Inventory& inventory, std::string node) : inventory_(inventory), node_(std::move(node)) {
  collect(inventory.slices);
  for (const json& claim : inventory.claims) {
    for (const json& result : at(at(at(at(claim, "status"), "allocation"), "devices"), "results")) {
      DeviceId id{textAt(result, "driver"), textAt(result, "pool"), textAt(result, "device")};
      auto candidate = std::ranges::find(candidates_, id, &Candidate::id);
      if (flagAt(result, "adminAccess") || candidate == candidates_.end()) {
        continue;
      }
      Amounts consumed = consumedBy(result);
      usage_.take(id, *candidate->device, textAt(result, "shareID").empty() ? nullptr : &consumed);
    }
  }
}

void Allocator::collect(const std::vector<json>& slices) {
  std::map<std::pair<std::string, std::string>, std::map<std::string, const json*>> pools;  // slices by name
  for (const json& slice : slices) {
    const json& spec = at(slice, "spec");
    bool reachable = textAt(spec, "nodeName") == node_ || flagAt(spec, "allNodes");
    if (!reachable) {
      continue;
    }
    auto& pool = pools[{textAt(spec, "driver"), textAt(at(spec, "pool"), "name")}];
    pool[textAt(at(slice, "metadata"), "name")] = &spec;
  }
  for (auto& [id, pool] : pools) {
    auto generation = [](const json& spec) { return numberAt(at(spec, "pool"), "generation"); };
    std::int64_t highest = 0;
    for (const auto& [name, spec] : pool) {
      highest = std::max(highest, generation(*spec));
    }
    std::erase_if(pool, [&](const auto& entry) { return generation(*entry.second) < highest; });
    auto expected = numberAt(at(*pool.begin()->second, "pool"), "resourceSliceCount");
    if (static_cast<std::int64_t>(pool.size()) != expected) {
      continue;
    }
    for (const auto& [name, spec] : pool) {
      for (const json& set : at(*spec, "sharedCounters")) {
        usage_.addCounterSet(id.first, id.second, set);
      }
      for (const json& device : at(*spec, "devices")) {
        bool onNode = !textAt(*spec, "nodeName").empty();
        candidates_.push_back({{id.first, id.second, textAt(device, "name")}, &device, onNode});
      }
    }
  }
}

Result<bool> Allocator::suits(const json& request, const json& deviceClass, const Candidate& candidate) const {
  const std::string& driver = std::get<0>(candidate.id);
  auto ofClass = selected(at(at(deviceClass, "spec"), "selectors"), driver, *candidate.device);
  if (!ofClass || !*ofClass) {
    return ofClass;
  }
  auto ofRequest = selected(at(request, "selectors"), driver, *candidate.device);
  if (!ofRequest || !*ofRequest) {
    return ofRequest;
  }
  return !isTainted(*candidate.device, at(request, "tolerations"));
}

bool Allocator::grantDevice(const json& request, const std::string& name, const Candidate& candidate,
                            Granted& granted) const {
  const auto& [driver, pool, device] = candidate.id;
  json result = {{"request", name}, {"driver", driver}, {"pool", pool}, {"device", device}};
  if (flagAt(request, "adminAccess")) {
    result["adminAccess"] = true;
  } else {
    bool shared = flagAt(*candidate.device, "allowMultipleAllocations");
    auto consumed = consumption(*candidate.device, at(at(request, "capacity"), "requests"));
    const Amounts* amounts = shared && consumed ? &*consumed : nullptr;
    if (!consumed || !granted.usage.fits(candidate.id, *candidate.device, amounts)) {
      return false;
    }
    granted.usage.take(candidate.id, *candidate.device, amounts);
    if (shared) {
      result["shareID"] = shareId(granted.claimUid, granted.results.size());
      result["consumedCapacity"] = json::object();
      for (const auto& [capacity, amount] : *consumed) {
        result["consumedCapacity"][capacity] = amount.toString();
      }
    }
  }
  granted.results.push_back(std::move(result));
  granted.onNode = granted.onNode || candidate.onNode;
  return true;
}

Status Allocator::grant(const json& request, const std::string& name, Granted& granted) const {
  std::string className = textAt(request, "deviceClassName");
  auto deviceClass = inventory_.classes.find(className);
  if (deviceClass == inventory_.classes.end()) {
    return Status::failedPrecondition("request {}: device class {} does not exist", name, className);
  }
  bool all = textAt(request, "allocationMode") == "All";
  std::int64_t wanted = all ? static_cast<std::int64_t>(candidates_.size()) : numberAt(request, "count", 1);
  std::int64_t found = 0;
  for (const Candidate& candidate : candidates_) {
    if (found == wanted) {
      break;
    }
    auto suitable = suits(request, deviceClass->second, candidate);
    if (!suitable) {
      return suitable.error().with("request {}", name);
    }
    if (!*suitable) {
      continue;
    }
    if (grantDevice(request, name, candidate, granted)) {
      ++found;
    } else if (all) {
      return Status::failedPrecondition("request {}: not all matching devices are free", name);
    }
  }
  if (all ? found == 0 : found < wanted) {
    return Status::failedPrecondition("request {}: cannot allocate all claims: not enough devices", name);
  }
  granted.requests.push_back(name);
  granted.requestsByClass[className].push_back(name);
  return {};
}

Status Allocator::grantFirst(const json& request, Granted& granted) const {
  std::string name = textAt(request, "name");
  Status last = Status::failedPrecondition("request {}: no alternatives", name);
  for (const json& alternative : at(request, "firstAvailable")) {
    Granted attempt = granted;
    last = grant(alternative, name + "/" + textAt(alternative, "name"), attempt);
    if (last) {
      granted = std::move(attempt);
    }
    if (last.code() != Code::failedPrecondition) {
      break;
    }
  }
  return last;
}

json Allocator::configs(const json& claim, const Granted& granted) const {
  json configs = json::array();
  for (const auto& [className, requests] : granted.requestsByClass) {
    for (json config : at(at(inventory_.classes.at(className), "spec"), "config")) {
      config["source"] = "FromClass";
      config["requests"] = requests;
      configs.push_back(std::move(config));
    }
  }
  for (json config : at(at(at(claim, "spec"), "devices"), "config")) {
    config["source"] = "FromClaim";
    const json& named = at(config, "requests");
    auto copies = named.empty() ? 1 : std::ranges::count_if(granted.requests, [&](const std::string& request) {
      return std::ranges::any_of(named, [&](const json& name) { return name == request || name == mainOf(request); });
    });
    for (auto i = copies; i > 0; --i) {  // once per matching request, as the real one does
      configs.push_back(config);
    }
  }
  return configs;
}

Result<json> Allocator::allocate(const json& claim) {
  const json& devices = at(at(claim, "spec"), "devices");
  if (!at(devices, "constraints").empty()) {
    return unexpected(
        Status::unimplemented("the stand-in's scheduler does not understand constraints between devices"));
  }
  Granted granted;
  granted.usage = usage_;
  granted.claimUid = textAt(at(claim, "metadata"), "uid");
  for (const json& request : at(devices, "requests")) {
    const json& exactly = at(request, "exactly");
    Status status = exactly.is_null() ? grantFirst(request, granted) : grant(exactly, textAt(request, "name"), granted);
    if (!status) {
      return unexpected(status);
    }
  }
  usage_ = granted.usage;
  json allocation = {{"devices", {{"results", granted.results}}}};
  if (json config = configs(claim, granted); !config.empty()) {
    allocation["devices"]["config"] = std::move(config);
  }
  if (granted.onNode) {
    json field = {{"key", "metadata.name"}, {"operator", "In"}, {"values", json::array({node_})}};
    json term = {{"matchFields", json::array({field})}};
    allocation["nodeSelector"]["nodeSelectorTerms"] = json::array({term});
  }
  return allocation;
}

}  // namespace simgpu::standin
