// Opaque parameters of claims and classes, which reach a node unchecked where no webhook runs.
#include <nlohmann/json.hpp>

#include "fuzz/fuzz.h"
#include "simgpu/device/profile.h"
#include "simgpu/kube/json.h"

namespace {

using namespace simgpu;
using fuzz::check;
using nlohmann::json;

const device::Profile& gpuProfile() {
  static const device::Profile profile = *device::Profile::embedded("gpu");
  return profile;
}

/// The parameters that say all that is in `config`.
json explicitParameters(const device::GpuConfig& config) {
  json sharing = {{"strategy", config.strategy}};
  if (config.timeSliceInterval) {
    sharing["timeSlicingConfig"]["interval"] = *config.timeSliceInterval;
  }
  if (config.partitionCount) {
    sharing["spacePartitioningConfig"]["partitionCount"] = *config.partitionCount;
  }
  return {{"apiVersion", "gpu.resource.example.com/v1alpha1"}, {"kind", "GpuConfig"}, {"sharing", sharing}};
}

void checkEdits(const device::Parameters& parameters, bool applicable) {
  const device::NodeContext node{.nodeName = "node-0", .driverName = "gpu.example.com", .numDevices = 1};
  static const std::vector<device::Device> devices = *gpuProfile().devices(node);
  auto edits = gpuProfile().deviceEdits(node, devices.front(), {.claimUid = "u-1"}, parameters);
  check(edits.has_value() == applicable, "all but settings of both strategies can be applied");
  if (edits) {
    check(!edits->empty(), "every device gives something");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto document = kube::parseJson(fuzz::textOf(data, size));
  if (!document) {
    return 0;
  }
  auto parameters = gpuProfile().decodeParameters("gpu", *document);
  if (!parameters) {
    check(parameters.error().code() != Code::notFound, "the profile has GPUs");
    return 0;
  }
  const auto& config = std::get<device::GpuConfig>(*parameters);
  check(config.timeSliceInterval.has_value() != config.partitionCount.has_value(), "exactly one setting is there");
  checkEdits(*parameters, !config.bothSettings);
  if (!config.bothSettings) {
    auto again = gpuProfile().decodeParameters("gpu", explicitParameters(config));
    check(again && *again == *parameters, "what is normalised stays as it is");
  }
  return 0;
}
