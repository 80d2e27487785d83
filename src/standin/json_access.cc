#include "standin/json_access.h"

namespace simgpu::standin {

using nlohmann::json;

const json& at(const json& object, std::string_view name) {
  static const json kNull;
  if (!object.is_object()) {
    return kNull;
  }
  auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string textAt(const json& object, std::string_view name) {
  const json& value = at(object, name);
  return value.is_string() ? value.get<std::string>() : "";
}

std::int64_t numberAt(const json& object, std::string_view name, std::int64_t otherwise) {
  const json& value = at(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

bool flagAt(const json& object, std::string_view name) {
  return at(object, name) == true;
}

std::vector<json*> eachOf(json* object, std::string_view name) {
  std::vector<json*> elements;
  json* container = find(object, name);
  if (container != nullptr && container->is_structured()) {
    for (json& element : *container) {
      elements.push_back(&element);
    }
  }
  return elements;
}

json* find(json* object, std::string_view name) {
  if (object == nullptr || !object->is_object()) {
    return nullptr;
  }
  auto found = object->find(name);
  return found == object->end() || found->is_null() ? nullptr : &*found;
}

}  // namespace simgpu::standin
