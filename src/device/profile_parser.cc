#include <algorithm>
#include <exception>

#include "device/profile_data.h"
#include "device/syntax.h"
#include "device/yaml_reader.h"

namespace simgpu::device {
namespace {

constexpr std::string_view kApiVersion = "simgpu/v1alpha1";
constexpr std::string_view kFileKind = "DeviceProfile";
constexpr std::string_view kGpuConfig = "GpuConfig";
constexpr std::size_t kMaxEntries = 1000;  ///< Of any list: far beyond sense, far below trouble.

/// The text of a value if it passes `accept`.
template <typename Predicate>
std::string checkedText(const YamlValue* value, Predicate accept, std::string_view expected) {
  if (value == nullptr) {
    return {};
  }
  std::string text = value->text();
  if (!accept(text)) {
    value->mismatch(expected);
  }
  return text;
}

void expectText(const YamlValue* value, std::string_view expected) {
  checkedText(value, [&](std::string_view text) { return text == expected; }, expected);
}

Template readTemplate(const YamlValue* value, Place place) {
  if (value == nullptr) {
    return {};
  }
  auto compiled = Template::compile(value->text(), place);
  if (!compiled) {
    value->problem(compiled.error().message());
    return {};
  }
  return *std::move(compiled);
}

/// Fixed text with characters outside of C identifiers, or a first character that depends on the device, could become
/// an environment variable that no shell can name.
bool isEnvName(std::string_view text, const Template& compiled) {
  std::string probe;
  Device device{.name = "a", .kind = {}, .attributes = {}, .capacity = {}, .index = 0, .uuid = {}};
  NodeContext node;
  return isCIdentifier(compiled.leadingText().substr(0, 1)) && compiled.append(valuesOf(node, device), probe) &&
         isCIdentifier(probe) && !text.empty();
}

std::vector<YamlValue> boundedList(const YamlValue& value) {
  auto items = value.list();
  if (items.size() > kMaxEntries) {
    value.problem(fmt::format("expected at most {} entries, found {}", kMaxEntries, items.size()));
    items.clear();
  }
  return items;
}

std::vector<EnvTemplate> readEnv(const YamlValue* value, Place valuePlace) {
  std::vector<EnvTemplate> env;
  if (value == nullptr) {
    return env;
  }
  for (const YamlValue& item : boundedList(*value)) {
    YamlMapping fields(item, {"name", "value"});
    const YamlValue* name = fields.require("name");
    EnvTemplate entry{readTemplate(name, Place::envName), readTemplate(fields.require("value"), valuePlace)};
    if (name == nullptr) {
      continue;
    }
    if (!isEnvName(name->text(), entry.name)) {
      name->mismatch("letters, digits and _ that start with a letter or _");
    }
    if (std::ranges::find(env, entry.name, &EnvTemplate::name) != env.end()) {
      name->problem(fmt::format("expected each name once, found \"{}\" twice", name->text()));
    }
    env.push_back(std::move(entry));
  }
  return env;
}

void readAttribute(const std::string& name, const YamlValue& value, KindData& into) {
  if (!isQualifiedName(name)) {
    value.problem("expected as name a C identifier of at most 32 bytes, optionally after a domain and '/'");
  }
  constexpr std::array<std::pair<std::string_view, AttributeType>, 4> kTypes = {{{"int", AttributeType::integer},
                                                                                 {"bool", AttributeType::boolean},
                                                                                 {"string", AttributeType::string},
                                                                                 {"version", AttributeType::version}}};
  auto members = value.members();
  if (members.size() != 1) {
    value.mismatch("exactly one of int, bool, string, version");
    return;
  }
  const auto& [typeName, text] = members.front();
  const auto* type = std::ranges::find(kTypes, typeName, &std::pair<std::string_view, AttributeType>::first);
  if (type == kTypes.end()) {
    value.problem(fmt::format("expected one of int, bool, string, version, found \"{}\"", typeName));
    return;
  }
  into.attributes[name] = {type->second, readTemplate(&text, Place::attribute)};
}

void readCapacity(const std::string& name, const YamlValue& value, KindData& into) {
  if (!isQualifiedName(name)) {
    value.problem("expected as name a C identifier of at most 32 bytes, optionally after a domain and '/'");
  }
  auto quantity = base::Quantity::parse(value.text());
  if (!quantity || *quantity < base::Quantity()) {
    value.mismatch("a quantity such as 80Gi");
    return;
  }
  into.capacity[name] = *quantity;
}

/// What involves several fields of a kind.
void checkKind(const YamlValue& value, const YamlMapping& fields, const KindData& kind) {
  if (kind.attributes.size() + kind.capacity.size() > kMaxAttributesAndCapacities) {
    value.problem(fmt::format("expected at most {} attributes and capacities, found {}", kMaxAttributesAndCapacities,
                              kind.attributes.size() + kind.capacity.size()));
  }
  for (const EnvTemplate& entry : kind.env) {
    for (std::string_view capacity : entry.value.consumed()) {
      if (!kind.capacity.contains(std::string(capacity))) {
        fields.find("env")->problem(
            fmt::format("expected a capacity of this kind in ${{consumed.…}}, found \"{}\"", capacity));
      }
    }
  }
  // A CDI device without edits would make the runtime refuse the whole file.
  if (std::ranges::all_of(kind.env, [](const EnvTemplate& entry) { return entry.value.canBeAbsent(); })) {
    value.problem("env: expected at least one variable that every device sets, found none");
  }
}

KindData readKind(const YamlValue& value) {
  YamlMapping fields(value, {"kind", "name", "count", "countFromNumDevices", "attributes", "capacity",
                             "allowMultipleAllocations", "parameters", "env"});
  KindData kind;
  kind.kind = checkedText(fields.require("kind"), isDnsLabel, "a name of lower case letters, digits and -");
  kind.name = readTemplate(fields.require("name"), Place::deviceName);
  if (const YamlValue* count = fields.require("count")) {
    kind.count = count->number(Profile::kMaxDevices);
  }
  if (const YamlValue* flag = fields.find("countFromNumDevices")) {
    kind.countFromNumDevices = flag->boolean();
  }
  if (const YamlValue* attributes = fields.find("attributes")) {
    for (const auto& [name, attribute] : attributes->members()) {
      readAttribute(name, attribute, kind);
    }
  }
  if (const YamlValue* capacities = fields.find("capacity")) {
    for (const auto& [name, capacity] : capacities->members()) {
      readCapacity(name, capacity, kind);
    }
  }
  if (const YamlValue* allow = fields.find("allowMultipleAllocations")) {
    kind.allowMultipleAllocations = allow->boolean();
  }
  if (const YamlValue* parameters = fields.find("parameters")) {
    expectText(parameters, kGpuConfig);
    kind.acceptsGpuConfig = true;
  }
  kind.env = readEnv(fields.require("env"), kind.acceptsGpuConfig ? Place::envValueOfConfig : Place::envValue);
  checkKind(value, fields, kind);
  return kind;
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
