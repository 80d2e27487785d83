// Opaque parameters of network cards, which reach a node unchecked where no webhook runs.
#include <nlohmann/json.hpp>

#include "fuzz/fuzz.h"
#include "simgpu/device/profile.h"
#include "simgpu/kube/json.h"

namespace {

using namespace simgpu;
using nlohmann::json;

const device::Profile& netProfile() {
  static const device::Profile profile = *device::Profile::embedded("net");
  return profile;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using fuzz::check;

  auto document = kube::parseJson(fuzz::textOf(data, size));
  if (!document) {
    return 0;
  }
  auto parameters = netProfile().decodeParameters("nic", *document);
  if (!parameters) {
    check(parameters.error().code() != Code::notFound, "the profile has network cards");
    return 0;
  }
  const auto& config = std::get<device::NetConfig>(*parameters);
  json burst = {{"ingressBurst", config.ingressBurst}, {"egressBurst", config.egressBurst}};
  json again = {{"apiVersion", "net.resource.example.com/v1alpha1"}, {"kind", "NetConfig"}, {"bwBurst", burst}};
  auto reread = netProfile().decodeParameters("nic", again);
  check(reread && *reread == *parameters, "what is normalised stays as it is");
  return 0;
}
