#include "slice/adaptation.h"

#include <algorithm>
#include <utility>

#include "slice/to_kube.h"

namespace simgpu::slice {
namespace {

bool hasLists(const device::Inventory& inventory) {
  return std::ranges::any_of(inventory.devices(), [](const device::Device& device) {
    return std::ranges::any_of(device.attributes, [](const auto& attribute) { return isList(attribute.second); });
  });
}

}  // namespace

Adaptation::Adaptation(const device::Inventory& inventory, base::Logger log)
    : inventory_(inventory), matters_(dependsOnServer(inventory)), log_(std::move(log)) {}

Result<bool> Adaptation::learn(kube::Client& api, const kube::Wait& wait) {
  if (!matters_) {
    return false;
  }
  auto version = api.getServerVersion(wait);
  if (!version && version.error().code() != Code::permissionDenied) {
    return unexpected(version.error());
  }
  bool first = !std::exchange(learnt_, true);
  if (!version) {
    if (first) {
      log_.warning("Cannot read the version of the API server; taking it for a current one",
                   {{"reason", version.error().message()}});
    }
    return false;
  }
  bool other = *version != server_.version;
  if (other) {
    server_ = {.version = *version};
  }
  if (first || other) {
    reportLeftOut();
  }
  return other;
}

bool Adaptation::giveIn(const Status& refusal) {
  if (refusal.code() != Code::invalidArgument || !server_.listAttributes || !hasLists(inventory_)) {
    return false;
  }
  log_.warning(
      "The API server refuses the devices; trying without attributes that are lists, whose feature gate is off by "
      "default",
      {{"reason", refusal.message()}});
  server_.listAttributes = false;
  reportLeftOut();
  return true;
}

void Adaptation::reportLeftOut() const {
  if (auto leftOut = plan(inventory_, server_).leftOut; !leftOut.empty()) {
    log_.warning("The API server does not know all that the devices have; leaving out what it would refuse",
                 {{"version", fmt::format("{}.{}", server_.version.major, server_.version.minor)},
                  {"leftOut", fmt::format("{}", fmt::join(leftOut, ", "))}});
  }
}

}  // namespace simgpu::slice
