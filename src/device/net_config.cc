#include "device/net_config.h"

#include <limits>
#include <utility>

#include "device/go_json.h"

namespace simgpu::device {
namespace {

using nlohmann::json;

constexpr std::string_view kApiVersion = "net.resource.example.com/v1alpha1";
constexpr std::string_view kKind = "NetConfig";
/// A burst is in bits; as bytes it stays below what 32 bits hold.
constexpr std::uint64_t kBitsPerByte = 8;
constexpr std::uint64_t kBytesBeyond = std::numeric_limits<std::uint32_t>::max();

Result<NetConfig> decode(const json& parameters) {
  if (auto status = checkType(parameters, kApiVersion, kKind); !status) {
    return unexpected(status);
  }
  GoDecoder decoder;
  decoder.noteUnknown(parameters, "", {"apiVersion", "kind", "bwBurst"});
  NetConfig config;
  if (const json* burst = GoDecoder::member(parameters, "bwBurst")) {
    if (auto status = GoDecoder::expectObject(*burst, {"NetConfig", "bwBurst", "v1alpha1.BandwidthBurstEntry"});
        !status) {
      return unexpected(status);
    }
    decoder.noteUnknown(*burst, "bwBurst.", {"ingressBurst", "egressBurst"});
    for (auto [key, path, target] : {std::tuple("ingressBurst", "bwBurst.ingressBurst", &config.ingressBurst),
                                     std::tuple("egressBurst", "bwBurst.egressBurst", &config.egressBurst)}) {
      if (auto status = GoDecoder::decode(*burst, key, {"BandwidthBurstEntry", path, "uint64"}, *target); !status) {
        return unexpected(status);
      }
    }
  }
  if (auto status = decoder.strict(); !status) {
    return unexpected(status);
  }
  return config;
}

Status validate(const NetConfig& config) {
  for (auto [name, burst] :
       {std::pair("ingressBurst", config.ingressBurst), std::pair("egressBurst", config.egressBurst)}) {
    if (burst / kBitsPerByte >= kBytesBeyond) {
      return Status::failedPrecondition("invalid {}: burst cannot be more than 4GB", name);
    }
  }
  return {};
}

}  // namespace

Result<NetConfig> decodeNetConfig(const json& parameters) {
  auto config = decode(parameters);
  if (!config) {
    return unexpected(config.error().with("error decoding config parameters"));
  }
  if (auto status = validate(*config); !status) {
    return unexpected(status.with("error validating Net config"));
  }
  return config;
}

}  // namespace simgpu::device
