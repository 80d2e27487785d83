#include "device/go_json.h"

#include <algorithm>
#include <concepts>
#include <limits>
#include <map>
#include <utility>

namespace simgpu::device {
namespace {

using nlohmann::json;

/// How Go's encoding/json names the type of a value that does not fit.
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

Status mismatch(std::string_view found, const GoField& field) {
  return Status::invalidArgument("json: cannot unmarshal {} into Go struct field {}.{} of type {}", found,
                                 field.structName, field.path, field.type);
}

/// nlohmann holds what has no sign as unsigned, whatever its size.
template <std::integral Integer>
bool fits(const json& value) {
  return value.is_number_unsigned()
             ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<Integer>::max())
             : value.get<std::int64_t>() >= 0 || std::is_signed_v<Integer>;
}

template <std::integral Integer>
Status decodeInteger(const json* value, const GoField& field, Integer& into) {
  if (value == nullptr) {
    return {};
  }
  if (!value->is_number()) {
    return mismatch(goTypeOf(*value), field);
  }
  if (value->is_number_float() || !fits<Integer>(*value)) {
    return mismatch("number " + dumpForMessage(*value), field);
  }
  into = value->get<Integer>();
  return {};
}

}  // namespace

std::string dumpForMessage(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Status checkType(const json& parameters, std::string_view apiVersion, std::string_view kind) {
  if (!parameters.is_object()) {
    return Status::invalidArgument("couldn't get version/kind; expected a JSON object, found {}", goTypeOf(parameters));
  }
  std::map<std::string_view, std::string> texts;
  for (const char* key : {"apiVersion", "kind"}) {
    auto found = parameters.find(key);
    if (found == parameters.end() || found->is_null()) {
      continue;
    }
    if (!found->is_string()) {
      return mismatch(goTypeOf(*found), {"", key, "string"}).with("couldn't get version/kind; json parse error");
    }
    texts[key] = found->get<std::string>();
  }
  for (auto [name, key] : {std::pair("Kind", "kind"), std::pair("apiVersion", "apiVersion")}) {
    if (texts[key].empty()) {
      return Status::invalidArgument("Object '{}' is missing in '{}'", name, dumpForMessage(parameters));
    }
  }
  if (texts["kind"] != kind || texts["apiVersion"] != apiVersion) {
    return Status::invalidArgument(
        "no kind \"{}\" is registered for version \"{}\" in scheme \"pkg/runtime/scheme.go:111\"", texts["kind"],
        texts["apiVersion"]);
  }
  return {};
}

const json* GoDecoder::member(const json& object, const char* key) {
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Status GoDecoder::decode(const json& object, const char* key, const GoField& field, std::string& into) {
  const json* value = member(object, key);
  if (value == nullptr) {
    return {};
  }
  if (!value->is_string()) {
    return mismatch(goTypeOf(*value), field);
  }
  into = value->get<std::string>();
  return {};
}

Status GoDecoder::decode(const json& object, const char* key, const GoField& field, std::int64_t& into) {
  return decodeInteger(member(object, key), field, into);
}

Status GoDecoder::decode(const json& object, const char* key, const GoField& field, std::uint64_t& into) {
  return decodeInteger(member(object, key), field, into);
}

Status GoDecoder::expectObject(const json& value, const GoField& field) {
  return value.is_object() ? Status() : mismatch(goTypeOf(value), field);
}

void GoDecoder::noteUnknown(const json& object, std::string_view prefix,
                            std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      unknown_ += fmt::format("{}unknown field \"{}{}\"", unknown_.empty() ? "" : ", ", prefix, key);
    }
  }
}

Status GoDecoder::strict() const {
  return unknown_.empty() ? Status() : Status::invalidArgument("strict decoding error: {}", unknown_);
}

}  // namespace simgpu::device
