#include <algorithm>
#include <array>

#include "device/profile_fields.h"
#include "device/syntax.h"

namespace simgpu::device {
namespace {

struct Form {
  std::string_view name;
  AttributeType type;
  bool list;
};

constexpr std::array<Form, 8> kForms = {{{"int", AttributeType::integer, false},
                                         {"bool", AttributeType::boolean, false},
                                         {"string", AttributeType::string, false},
                                         {"version", AttributeType::version, false},
                                         {"ints", AttributeType::integer, true},
                                         {"bools", AttributeType::boolean, true},
                                         {"strings", AttributeType::string, true},
                                         {"versions", AttributeType::version, true}}};
constexpr std::string_view kFormNames = "int, bool, string, version, ints, bools, strings, versions";

/// `{int: 1}`, `{int: [0, 0, 1]}` (one for each device), `{ints: [0, 1]}` (all for each).
std::optional<AttributeTemplate> readAttribute(const YamlValue& value, Place place) {
  auto members = value.members();
  if (members.size() != 1) {
    value.mismatch(fmt::format("exactly one of {}", kFormNames));
    return std::nullopt;
  }
  const auto& [name, content] = members.front();
  const auto* form = std::ranges::find(kForms, name, &Form::name);
  if (form == kForms.end()) {
    value.problem(fmt::format("expected one of {}, found \"{}\"", kFormNames, name));
    return std::nullopt;
  }
  AttributeTemplate attribute{.type = form->type, .list = form->list, .values = {}};
  if (!form->list && !content.isList()) {
    attribute.values.push_back(readTemplate(&content, place));
    return attribute;
  }
  for (const YamlValue& item : boundedList(content)) {
    attribute.values.push_back(readTemplate(&item, place));
  }
  if (attribute.values.empty()) {
    content.problem("expected at least one value, found none");
    return std::nullopt;
  }
  return attribute;
}

}  // namespace

std::map<std::string, AttributeTemplate> readAttributes(const YamlValue& value, Place place) {
  std::map<std::string, AttributeTemplate> attributes;
  for (const auto& [name, content] : value.members()) {
    if (!isQualifiedName(name)) {
      content.problem("expected as name a C identifier of at most 32 bytes, optionally after a domain and '/'");
    }
    if (auto attribute = readAttribute(content, place)) {
      attributes[name] = *std::move(attribute);
    }
  }
  return attributes;
}

}  // namespace simgpu::device
