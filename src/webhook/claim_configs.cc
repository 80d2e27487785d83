#include "webhook/claim_configs.h"

#include <algorithm>
#include <array>
#include <utility>

#include "webhook/go_text.h"

namespace simgpu::webhook {
namespace {

using nlohmann::json;

constexpr std::string_view kGroup = "resource.k8s.io";
constexpr std::string_view kClaims = "resourceclaims";
constexpr std::string_view kTemplates = "resourceclaimtemplates";
constexpr std::array<std::string_view, 3> kVersions = {"v1", "v1beta1", "v1beta2"};

std::string resourceText(std::string_view group, std::string_view version, std::string_view resource) {
  return fmt::format("{{{} {} {}}}", group, version, resource);
}

Status checkResource(const Review& review) {
  bool known = review.group == kGroup && std::ranges::find(kVersions, review.version) != kVersions.end() &&
               (review.resource == kClaims || review.resource == kTemplates);
  if (known) {
    return {};
  }
  std::vector<std::string> expected;
  for (std::string_view resource : {kClaims, kTemplates}) {
    for (std::string_view version : kVersions) {
      expected.push_back(resourceText(kGroup, version, resource));
    }
  }
  return Status::invalidArgument("expected resource to be one of [{}], got {}", fmt::join(expected, " "),
                                 resourceText(review.group, review.version, review.resource));
}

/// A field on the way to the configs. Its type is one of the object's API version.
struct Step {
  std::string_view structName;
  std::string_view key;
  std::string_view type;
};

constexpr Step kClaimSpec = {"ResourceClaim", "spec", "ResourceClaimSpec"};
constexpr Step kTemplateSpec = {"ResourceClaimTemplate", "spec", "ResourceClaimTemplateSpec"};
constexpr Step kTemplatesClaimSpec = {"ResourceClaimTemplateSpec", "spec", "ResourceClaimSpec"};
constexpr Step kDevices = {"ResourceClaimSpec", "devices", "DeviceClaim"};

/// Adds the entry, unless it has no opaque parameters.
Status readConfig(const json& entry, std::size_t index, const std::string& path, std::string_view version,
                  std::vector<Config>& into) {
  if (!entry.is_object() && !entry.is_null()) {
    return mismatch(entry, {"DeviceClaim", path, fmt::format("{}.DeviceClaimConfiguration", version)});
  }
  const json& opaque = member(entry, "opaque");
  if (opaque.is_null()) {
    return {};
  }
  std::string opaquePath = path + ".DeviceConfiguration.opaque";  // embedded in the Go struct
  if (!opaque.is_object()) {
    return mismatch(opaque,
                    {"DeviceClaimConfiguration", opaquePath, fmt::format("{}.OpaqueDeviceConfiguration", version)});
  }
  auto driver = textMember(opaque, "driver", {"OpaqueDeviceConfiguration", opaquePath + ".driver", "string"});
  if (!driver) {
    return driver.error();
  }
  into.push_back({index, *std::move(driver), member(opaque, "parameters")});
  return {};
}

}  // namespace

Result<ClaimConfigs> claimConfigs(const Review& review) {
  if (Status known = checkResource(review); !known) {
    return unexpected(known);
  }
  if (!review.object.is_object() && !review.object.is_null()) {
    return unexpected(Status::invalidArgument(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct",
        goTypeOf(review.object)));
  }
  bool isTemplate = review.resource == kTemplates;
  std::vector<Step> steps = {kClaimSpec, kDevices};
  if (isTemplate) {
    steps = {kTemplateSpec, kTemplatesClaimSpec, kDevices};
  }
  const json* value = &review.object;
  std::string path;
  for (const Step& step : steps) {
    path += (path.empty() ? "" : ".") + std::string(step.key);
    value = &member(*value, step.key);
    if (!value->is_object() && !value->is_null()) {
      return unexpected(mismatch(*value, {step.structName, path, fmt::format("{}.{}", review.version, step.type)}));
    }
  }
  path += ".config";
  const json& list = member(*value, "config");
  if (!list.is_array() && !list.is_null()) {
    return unexpected(
        mismatch(list, {"DeviceClaim", path, fmt::format("[]{}.DeviceClaimConfiguration", review.version)}));
  }
  ClaimConfigs result{.specPath = isTemplate ? "spec.spec" : "spec", .configs = {}};
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (Status read = readConfig(list[i], i, path, review.version, result.configs); !read) {
      return unexpected(read);
    }
  }
  return result;
}

}  // namespace simgpu::webhook
