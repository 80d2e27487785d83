#include "device/profile_fields.h"

#include <algorithm>
#include <array>

#include "device/syntax.h"

namespace simgpu::device {
namespace {

constexpr std::size_t kMaxEntries = 1000;  ///< Of any list: far beyond sense, far below trouble.

/// Fixed text with characters outside of C identifiers, or a first character that depends on the device, could become
/// an environment variable that no shell can name.
bool isEnvName(std::string_view text, const Template& compiled) {
  std::string probe;
  Device device{.name = "a", .kind = {}, .attributes = {}, .capacity = {}, .index = 0, .uuid = {}};
  NodeContext node;
  return isCIdentifier(compiled.leadingText().substr(0, 1)) && compiled.append(valuesOf(node, device), probe) &&
         isCIdentifier(probe) && !text.empty();
}

}  // namespace

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

base::Quantity readQuantity(const YamlValue& value) {
  auto quantity = base::Quantity::parse(value.text());
  if (!quantity || *quantity < base::Quantity()) {
    value.mismatch("a quantity such as 80Gi");
    return {};
  }
  return *quantity;
}

Setting readSetting(const YamlValue& value) {
  constexpr std::array<std::pair<std::string_view, Setting>, 4> kSettings = {
      {{"num-devices", &NodeContext::numDevices},
       {"gpu-partitions", &NodeContext::gpuPartitions},
       {"cpu-numa-nodes", &NodeContext::cpuNumaNodes},
       {"cpus-per-numa-node", &NodeContext::cpusPerNumaNode}}};
  const auto* found = std::ranges::find(kSettings, value.text(), &std::pair<std::string_view, Setting>::first);
  if (found == kSettings.end()) {
    value.mismatch("num-devices, gpu-partitions, cpu-numa-nodes or cpus-per-numa-node");
    return nullptr;
  }
  return found->second;
}

}  // namespace simgpu::device
