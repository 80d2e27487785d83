#include "standin/usage.h"

#include <algorithm>

#include "standin/json_access.h"

namespace simgpu::standin {
namespace {

using base::Quantity;
using nlohmann::json;

Quantity quantityOf(const json& value) {
  auto quantity = Quantity::parse(value.is_number() ? value.dump() : value.is_string() ? value.get<std::string>() : "");
  return quantity.value_or(Quantity());
}

/// What a policy makes of a request; empty if it does not allow so much.
std::optional<Quantity> rounded(const json& policy, const Quantity& value, const Quantity& asked) {
  for (const json& option : at(policy, "validValues")) {
    if (quantityOf(option) >= asked) {
      return quantityOf(option);
    }
  }
  const json& range = at(policy, "validRange");
  if (range.empty()) {
    return at(policy, "validValues").empty() ? std::optional(asked) : std::nullopt;
  }
  Quantity amount = std::max(asked, quantityOf(at(range, "min")));
  if (std::int64_t step = quantityOf(at(range, "step")).value(); step > 0) {
    std::int64_t beyond = (amount - quantityOf(at(range, "min"))).value() % step;
    amount = beyond == 0 ? amount : amount + Quantity::decimal(step - beyond);
  }
  Quantity most = at(range, "max").is_null() ? value : quantityOf(at(range, "max"));
  return amount <= most ? std::optional(amount) : std::nullopt;
}

}  // namespace

std::optional<Amounts> consumption(const json& device, const json& requests) {
  const json& capacities = at(device, "capacity");
  Amounts consumed;
  if (requests.is_object()) {
    for (const auto& [name, asked] : requests.items()) {
      if (!capacities.contains(name)) {
        return std::nullopt;
      }
    }
  }
  if (!capacities.is_object()) {
    return consumed;
  }
  for (const auto& [name, capacity] : capacities.items()) {
    Quantity value = quantityOf(at(capacity, "value"));
    const json& policy = at(capacity, "requestPolicy");
    const json& asked = at(requests, name);
    const json& standard = at(policy, "default");
    auto amount = asked.is_null() ? std::optional(standard.is_null() ? value : quantityOf(standard))
                                  : rounded(policy, value, quantityOf(asked));
    if (!amount || *amount > value) {
      return std::nullopt;
    }
    consumed[name] = *amount;
  }
  return consumed;
}

void Usage::addCounterSet(const std::string& driver, const std::string& pool, const json& set) {
  Amounts& left = left_[{driver, pool, textAt(set, "name")}];
  for (const auto& [name, counter] : at(set, "counters").items()) {
    left[name] = quantityOf(at(counter, "value"));
  }
}

void Usage::take(const DeviceId& id, const json& device, const Amounts* consumed) {
  bool first = !whole_.contains(id) && !shared_.contains(id);
  if (consumed == nullptr) {
    whole_.insert(id);
  } else {
    for (const auto& [name, amount] : *consumed) {
      Amounts& sum = shared_[id];
      sum[name] = sum[name] + amount;
    }
  }
  if (!first) {
    return;  // a device draws from its counters once
  }
  for (const json& consumption : at(device, "consumesCounters")) {
    Amounts& left = left_[{std::get<0>(id), std::get<1>(id), textAt(consumption, "counterSet")}];
    for (const auto& [name, counter] : at(consumption, "counters").items()) {
      left[name] = left[name] - quantityOf(at(counter, "value"));
    }
  }
}

bool Usage::fits(const DeviceId& id, const json& device, const Amounts* consumed) const {
  auto shared = shared_.find(id);
  if (whole_.contains(id) || (consumed == nullptr && shared != shared_.end())) {
    return false;
  }
  if (shared != shared_.end()) {
    return std::ranges::all_of(*consumed, [&](const auto& wanted) {
      auto taken = shared->second.find(wanted.first);
      Quantity used = taken == shared->second.end() ? Quantity() : taken->second;
      return used + wanted.second <= quantityOf(at(at(at(device, "capacity"), wanted.first), "value"));
    });
  }
  return std::ranges::all_of(at(device, "consumesCounters"), [&](const json& consumption) {
    auto left = left_.find({std::get<0>(id), std::get<1>(id), textAt(consumption, "counterSet")});
    if (left == left_.end()) {
      return false;
    }
    for (const auto& [name, counter] : at(consumption, "counters").items()) {
      auto amount = left->second.find(name);
      if (amount == left->second.end() || amount->second < quantityOf(at(counter, "value"))) {
        return false;
      }
    }
    return true;
  });
}

}  // namespace simgpu::standin
