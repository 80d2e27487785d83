#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/profile_data.h"
#include "device/yaml_reader.h"

/// What the readers of a profile's parts share. All report what is wrong to the file's problems, and answer a default.
namespace simgpu::device {

/// The text of a value if it passes `accept`; nothing if there is none.
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

Template readTemplate(const YamlValue* value, Place place);

/// A list that is not absurdly long.
std::vector<YamlValue> boundedList(const YamlValue& value);

/// Environment variables; none if `value` is null.
std::vector<EnvTemplate> readEnv(const YamlValue* value, Place valuePlace);

/// A quantity of at least nothing.
base::Quantity readQuantity(const YamlValue& value);

/// The number that a flag replaces, by the name of the flag.
Setting readSetting(const YamlValue& value);

/// The attributes of a kind, or those that one of its forms adds.
std::map<std::string, AttributeTemplate> readAttributes(const YamlValue& value, Place place);

/// A capacity with its name, whether as a plain quantity or with a request policy.
CapacityData readCapacity(const std::string& name, const YamlValue& value);

/// An entry of `devices`.
KindData readKind(const YamlValue& value);

}  // namespace simgpu::device
