#include <algorithm>
#include <exception>

#include "device/profile_fields.h"
#include "device/syntax.h"

namespace simgpu::device {
namespace {

constexpr std::string_view kApiVersion = "simgpu/v1alpha1";
constexpr std::string_view kFileKind = "DeviceProfile";

void expectText(const YamlValue* value, std::string_view expected) {
  checkedText(value, [&](std::string_view text) { return text == expected; }, expected);
}

ProfileData readProfile(const YamlValue& root) {
  YamlMapping fields(root, {"apiVersion", "kind", "name", "class", "driverName", "env", "devices"});
  ProfileData profile;
  expectText(fields.require("apiVersion"), kApiVersion);
  expectText(fields.require("kind"), kFileKind);
  profile.name = checkedText(fields.require("name"), isDnsLabel, "a name of lower case letters, digits and -");
  profile.cdiClass = profile.name;
  if (const YamlValue* cdiClass = fields.find("class")) {
    profile.cdiClass = checkedText(cdiClass, isCdiClass, "letters, digits, - and _ that start with a letter");
  } else if (!isCdiClass(profile.cdiClass)) {
    root.problem("expected a field class, because the name cannot be one, found none");
  }
  profile.driverName = profile.name + ".example.com";
  if (const YamlValue* driverName = fields.find("driverName")) {
    profile.driverName = checkedText(driverName, isDriverName, "a DNS subdomain of at most 63 bytes");
  }
  profile.env = readEnv(fields.find("env"), Place::nodeValue);
  if (const YamlValue* devices = fields.require("devices")) {
    for (const YamlValue& item : boundedList(*devices)) {
      KindData kind = readKind(item);
      if (std::ranges::find(profile.devices, kind.kind, &KindData::kind) != profile.devices.end()) {
        item.problem(fmt::format("expected each kind once, found \"{}\" twice", kind.kind));
      }
      profile.devices.push_back(std::move(kind));
    }
  }
  return profile;
}

}  // namespace

Result<ProfileData> parseProfile(std::string_view yaml, std::string_view origin) {
  auto document = loadYaml(yaml, origin);
  if (!document) {
    return unexpected(document.error());
  }
  try {
    YamlProblems problems(origin);
    ProfileData profile = readProfile({problems, *document, ""});
    if (!problems.status()) {
      return unexpected(problems.status());
    }
    return profile;
  } catch (const std::exception& error) {
    return unexpected(Status::invalidArgument("{}:1: expected a profile: {}", origin, error.what()));
  }
}

}  // namespace simgpu::device
