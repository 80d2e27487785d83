#include "simgpu/controller/binding_rules.h"

#include <algorithm>

#include "simgpu/kube/json.h"

namespace simgpu::controller {
namespace {

enum class Outcome { ready, fail, wait };

/// Whether `text` is what `pattern` describes; `*` is any text without `/`.
bool matchesGlob(std::string_view pattern, std::string_view text) {
  std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return pattern == text;
  }
  if (!text.starts_with(pattern.substr(0, star))) {
    return false;
  }
  std::string_view rest = pattern.substr(star + 1);
  for (std::size_t end = star; end <= text.size(); ++end) {
    if (matchesGlob(rest, text.substr(end))) {
      return true;
    }
    if (end < text.size() && text[end] == '/') {
      return false;
    }
  }
  return false;
}

/// What the claim's annotation says; empty if there is none, or none that is known.
std::optional<Outcome> annotatedOutcome(const BindingRules& rules, const kube::ResourceClaim& claim,
                                        std::optional<std::string>& complaint) {
  auto found = claim.metadata.annotations.find(rules.annotation());
  if (found == claim.metadata.annotations.end()) {
    return std::nullopt;
  }
  if (found->second == "ready") {
    return Outcome::ready;
  }
  if (found->second == "fail") {
    return Outcome::fail;
  }
  if (found->second == "wait") {
    return Outcome::wait;
  }
  complaint = fmt::format("the annotation {} is \"{}\", but only ready, fail and wait mean something",
                          rules.annotation(), found->second);
  return std::nullopt;
}

Outcome outcomeOf(const BindingRules& rules, const kube::AllocationResult& result) {
  bool fails =
      std::ranges::any_of(rules.failDevices, [&](const DevicePattern& pattern) { return pattern.matches(result); });
  return fails ? Outcome::fail : Outcome::ready;
}

const kube::AllocatedDeviceStatus* statusOf(const std::vector<kube::AllocatedDeviceStatus>& statuses,
                                            const kube::AllocationResult& result) {
  auto found = std::ranges::find_if(statuses, [&](const auto& status) { return status.isAbout(result); });
  return found == statuses.end() ? nullptr : &*found;
}

/// The condition of that type if it is True.
const kube::Condition* trueCondition(const kube::AllocatedDeviceStatus* status, const std::string& type) {
  if (status == nullptr) {
    return nullptr;
  }
  auto found = std::ranges::find_if(status->conditions, [&](const kube::Condition& condition) {
    return condition.type == type && condition.status == "True";
  });
  return found == status->conditions.end() ? nullptr : &*found;
}

kube::Condition newCondition(const std::string& type, Outcome outcome, std::chrono::system_clock::time_point now) {
  bool ready = outcome == Outcome::ready;
  return {.type = type,
          .status = "True",
          .reason = ready ? "Ready" : "SimulatedFailure",
          .message = ready ? "Device is ready" : "Device failed to become ready, because the simulation was told so",
          .lastTransitionTime = kube::timeText(now)};
}

}  // namespace

Result<DevicePattern> DevicePattern::parse(std::string_view text) {
  std::size_t slash = text.rfind('/');  // names of pools may contain slashes
  bool hasPool = slash != std::string_view::npos;
  std::string_view pool = hasPool ? text.substr(0, slash) : "";
  std::string_view device = hasPool ? text.substr(slash + 1) : text;
  if (device.empty() || (hasPool && pool.empty())) {
    return unexpected(Status::invalidArgument("expected <device> or <pool>/<device>, with * for any text"));
  }
  return DevicePattern(std::string(pool), std::string(device));
}

bool DevicePattern::matches(const kube::AllocationResult& result) const {
  return (pool_.empty() || matchesGlob(pool_, result.pool)) && matchesGlob(device_, result.device);
}

BindingStep planBinding(const BindingRules& rules, const kube::ResourceClaim& claim,
                        std::chrono::system_clock::time_point now) {
  BindingStep step;
  if (!claim.allocation) {
    return step;
  }
  std::optional<std::string> complaint;
  const auto annotated = annotatedOutcome(rules, claim, complaint);
  for (const kube::AllocationResult& result : claim.allocation->results) {
    bool concerns = result.driver == rules.driverName && !result.bindingConditions.empty();
    if (!concerns || statusOf(step.statuses, result) != nullptr) {
      continue;
    }
    const kube::AllocatedDeviceStatus* current = statusOf(claim.devices, result);
    bool isReady = std::ranges::all_of(
        result.bindingConditions, [&](const std::string& type) { return trueCondition(current, type) != nullptr; });
    Outcome outcome = isReady ? Outcome::ready : annotated.value_or(outcomeOf(rules, result));
    kube::AllocatedDeviceStatus status{
        .driver = result.driver, .pool = result.pool, .device = result.device, .shareId = result.shareId};
    for (const std::string& type :
         outcome == Outcome::fail ? result.bindingFailureConditions : result.bindingConditions) {
      if (const kube::Condition* condition = trueCondition(current, type)) {
        status.conditions.push_back(*condition);
      } else if (outcome != Outcome::wait) {
        status.conditions.push_back(newCondition(type, outcome, now));
        step.changes.push_back(fmt::format("{}: {}", result.device, type));
      }
    }
    if (!status.conditions.empty()) {
      step.statuses.push_back(std::move(status));
    }
  }
  if (step.changes.empty()) {
    return {};
  }
  step.complaint = std::move(complaint);
  return step;
}

}  // namespace simgpu::controller
