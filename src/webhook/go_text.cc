#include "webhook/go_text.h"

namespace simgpu::webhook {

using nlohmann::json;

std::string_view goTypeOf(const json& value) {
  switch (value.type()) {
    case json::value_t::string:
      return "string";
    case json::value_t::boolean:
      return "bool";
    case json::value_t::array:
      return "array";
    case json::value_t::object:
      return "object";
    default:
      return "number";
  }
}

Status mismatch(const json& found, const GoField& field) {
  return Status::invalidArgument("json: cannot unmarshal {} into Go struct field {}.{} of type {}", goTypeOf(found),
                                 field.structName, field.path, field.type);
}

const json& member(const json& object, std::string_view key) {
  static const json kNull;
  auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

Result<std::string> textMember(const json& object, std::string_view key, const GoField& field) {
  const json& value = member(object, key);
  if (value.is_null()) {
    return "";
  }
  if (!value.is_string()) {
    return unexpected(mismatch(value, field));
  }
  return value.get<std::string>();
}

}  // namespace simgpu::webhook
