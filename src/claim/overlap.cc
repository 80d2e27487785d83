#include "claim/overlap.h"

#include <algorithm>
#include <map>
#include <set>

namespace simgpu::claim {
namespace {

using Amounts = std::map<std::string, base::Quantity>;

void add(Amounts& sum, const Amounts& more) {
  for (const auto& [name, amount] : more) {
    sum[name] = sum[name] + amount;
  }
}

/// Something of which more is wanted than is left.
struct Shortage {
  std::string name;
  base::Quantity wanted;
  base::Quantity left;
};

std::optional<Shortage> shortage(const Amounts& total, const Amounts& taken, const Amounts& wanted) {
  for (const auto& [name, amount] : wanted) {
    auto all = total.find(name);
    if (all == total.end()) {
      continue;
    }
    auto used = taken.find(name);
    base::Quantity left = used == taken.end() ? all->second : all->second - used->second;
    if (amount > left) {
      return Shortage{.name = name, .wanted = amount, .left = std::max(left, base::Quantity())};
    }
  }
  return std::nullopt;
}

}  // namespace

Status Overlap::Conflict::status() const {
  if (holder == nullptr) {
    return Status::failedPrecondition("{} in use by this claim itself", subject);
  }
  const ClaimRef& claim = holder->prepared.claim;
  return Status::failedPrecondition(
      "{} in use by ResourceClaim {} (UID {}), which has not been unprepared on this node", subject,
      claim.name.empty() ? "prepared by another driver" : claim.space + "/" + claim.name, claim.uid);
}

void Overlap::complete(HeldDevice& held) const {
  if (!held.parent.empty()) {
    return;
  }
  const device::Device* known = inventory_ == nullptr ? nullptr : inventory_->find(held.device);
  held.parent = known == nullptr ? held.device : known->parent;
  if (known != nullptr) {
    held.counters = known->counters;
  }
}

std::optional<Overlap::Conflict> Overlap::find(const Record& wanted, Others others) const {
  for (const HeldDevice& device : wanted.held) {
    if (auto conflict = sameDevice(device, others)) {
      return conflict;
    }
    if (auto conflict = counters(wanted, device, others)) {
      return conflict;
    }
    if (auto conflict = shares(wanted, device, others)) {
      return conflict;
    }
  }
  return std::nullopt;
}

std::optional<Overlap::Conflict> Overlap::sameDevice(const HeldDevice& wanted, Others others) {
  for (const Record* other : others) {
    for (const HeldDevice& held : other->held) {
      if (wanted.compatibleWith(held)) {
        continue;
      }
      std::string subject =
          held.device == wanted.device
              ? fmt::format("device {} is", wanted.device)
              : fmt::format("device {} is a part of the same hardware as {}, which is", wanted.device, held.device);
      return Conflict{.holder = other, .device = wanted.device, .subject = std::move(subject)};
    }
  }
  return std::nullopt;
}

/// A device draws from its hardware once, however many shares of it there are.
std::optional<Overlap::Conflict> Overlap::counters(const Record& record, const HeldDevice& wanted,
                                                   Others others) const {
  const device::Device* known = inventory_ == nullptr ? nullptr : inventory_->find(wanted.device);
  const device::CounterSet* set = known == nullptr ? nullptr : inventory_->findCounterSet(known->counterSet);
  if (set == nullptr) {
    return std::nullopt;
  }
  Amounts taken;
  std::set<std::string_view> counted = {wanted.device};
  const Record* holder = nullptr;
  std::string_view heldDevice;
  auto count = [&](const Record& other) {
    for (const HeldDevice& held : other.held) {
      if (held.samePart(wanted) && counted.insert(held.device).second) {
        add(taken, held.counters);
        bool own = &other == &record;
        if (own ? heldDevice.empty() : holder == nullptr) {
          heldDevice = held.device;
          holder = own ? nullptr : &other;
        }
      }
    }
  };
  count(record);
  std::ranges::for_each(others, [&](const Record* other) { count(*other); });
  auto missing = shortage(set->counters, taken, wanted.counters);
  if (!missing) {
    return std::nullopt;
  }
  return Conflict{.holder = holder,
                  .device = wanted.device,
                  .subject = fmt::format("device {} needs {} {} of {}, which has {} left; {} is", wanted.device,
                                         missing->wanted.toString(), missing->name, wanted.parent,
                                         missing->left.toString(), heldDevice)};
}

std::optional<Overlap::Conflict> Overlap::shares(const Record& record, const HeldDevice& wanted, Others others) const {
  const device::Device* known = inventory_ == nullptr ? nullptr : inventory_->find(wanted.device);
  if (known == nullptr || wanted.shareId.empty()) {
    return std::nullopt;
  }
  Amounts taken;
  const Record* holder = nullptr;
  auto count = [&](const Record& other) {
    for (const HeldDevice& held : other.held) {
      if (held.device == wanted.device && held.shareId != wanted.shareId && held.samePart(wanted)) {
        add(taken, held.consumed);
        holder = holder == nullptr && &other != &record ? &other : holder;
      }
    }
  };
  count(record);
  std::ranges::for_each(others, [&](const Record* other) { count(*other); });
  auto missing = shortage(known->capacity, taken, wanted.consumed);
  if (!missing) {
    return std::nullopt;
  }
  return Conflict{
      .holder = holder,
      .device = wanted.device,
      .subject = fmt::format("device {} has {} {} left, and the claim was given {}; another share is", wanted.device,
                             missing->left.toString(), missing->name, missing->wanted.toString())};
}

}  // namespace simgpu::claim
