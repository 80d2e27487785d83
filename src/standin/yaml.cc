#include "standin/yaml.h"

#include <charconv>
#include <cstdint>

#include <yaml-cpp/yaml.h>

namespace simgpu::standin {

namespace {

using nlohmann::json;

template <typename Number>
bool parseWhole(const std::string& text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

json scalarToJson(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") {  // quoted
    return text;
  }
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return nullptr;
  }
  bool boolean = false;
  if (YAML::convert<bool>::decode(node, boolean)) {
    return text == "y" || text == "n" || text == "Y" || text == "N" ? json(text) : json(boolean);
  }
  std::int64_t whole = 0;
  if (parseWhole(text, whole)) {
    return whole;
  }
  double number = 0;
  bool numeric = text.find_first_not_of("0123456789+-.eE") == std::string::npos;
  return numeric && parseWhole(text, number) ? json(number) : json(text);
}

json nodeToJson(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map: {
      json object = json::object();
      for (const auto& member : node) {
        object[member.first.as<std::string>()] = nodeToJson(member.second);
      }
      return object;
    }
    case YAML::NodeType::Sequence: {
      json array = json::array();
      for (const auto& element : node) {
        array.push_back(nodeToJson(element));
      }
      return array;
    }
    case YAML::NodeType::Scalar:
      return scalarToJson(node);
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined:
      break;
  }
  return nullptr;
}

}  // namespace

Result<json> yamlToJson(std::string_view text) {
  try {
    return nodeToJson(YAML::Load(std::string(text)));
  } catch (const std::exception& problem) {
    return unexpected(Status::invalidArgument("error converting YAML to JSON: {}", problem.what()));
  }
}

}  // namespace simgpu::standin
