#include "standin/selector.h"

#include <algorithm>

#include <fmt/ranges.h>

namespace simgpu::standin {

namespace {

using nlohmann::json;

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

/// The words differ: resources with a conversion function of their own complain in another way.
ApiError unknownField(const Resource& resource, std::string_view field) {
  if (resource.plural == "resourceslices" || resource.group.empty()) {
    return ApiError::badRequest(resource.group.empty() ? fmt::format("field label not supported: {}", field)
                                                       : fmt::format("field label not supported for {}, Kind={}: {}",
                                                                     resource.apiVersion(), resource.kind, field));
  }
  return ApiError::badRequest(fmt::format("\"{}\" is not a known field selector: only \"{}\"", field,
                                          fmt::join(resource.selectableFields, "\", \"")));
}

json::json_pointer pointerTo(std::string_view field) {
  std::string path = "/" + std::string(field);
  std::ranges::replace(path, '.', '/');
  return json::json_pointer(path);
}

}  // namespace

ApiResult<Selector::Requirement> Selector::parseOne(const Resource& resource, std::string_view text, bool isLabel) {
  Requirement requirement;
  requirement.isLabel = isLabel;
  std::string_view key = text;
  if (auto place = text.find("!="); place != std::string_view::npos) {
    requirement.op = Operator::notEqual;
    key = trim(text.substr(0, place));
    requirement.value = trim(text.substr(place + 2));
  } else if (place = text.find('='); place != std::string_view::npos) {
    key = trim(text.substr(0, place));
    bool twice = place + 1 < text.size() && text[place + 1] == '=';
    requirement.value = trim(text.substr(place + (twice ? 2 : 1)));
  } else if (isLabel && text.find_first_of(" ()<>") == std::string_view::npos) {
    requirement.op = text.starts_with('!') ? Operator::absent : Operator::present;
    key = text.starts_with('!') ? text.substr(1) : text;
  } else {
    return unexpected(ApiError::badRequest(
        fmt::format("unable to parse requirement: invalid selector: '{}'; can't understand '{}'", text, text)));
  }
  if (isLabel) {
    requirement.where = json::json_pointer("/metadata/labels") / std::string(key);
    return requirement;
  }
  if (std::ranges::find(resource.selectableFields, key) == resource.selectableFields.end()) {
    return unexpected(unknownField(resource, key));
  }
  requirement.where = pointerTo(key);
  return requirement;
}

ApiResult<Selector> Selector::parse(const Resource& resource, std::string_view fields, std::string_view labels) {
  Selector selector;
  for (auto [list, isLabel] : {std::pair(fields, false), std::pair(labels, true)}) {
    while (!list.empty()) {
      auto comma = std::min(list.find(','), list.size());
      if (std::string_view text = trim(list.substr(0, comma)); !text.empty()) {
        auto requirement = parseOne(resource, text, isLabel);
        if (!requirement) {
          return unexpected(requirement.error());
        }
        selector.requirements_.push_back(std::move(*requirement));
      }
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  return selector;
}

bool Selector::matches(const json& object) const {
  return std::ranges::all_of(requirements_, [&](const Requirement& requirement) {
    bool present = object.contains(requirement.where);
    std::string value;
    if (present) {
      const json& found = object.at(requirement.where);
      value = found.is_string() ? found.get<std::string>() : found.is_null() ? "" : found.dump();
    }
    switch (requirement.op) {
      case Operator::present:
        return present;
      case Operator::absent:
        return !present;
      case Operator::notEqual:
        return value != requirement.value;
      case Operator::equal:
        return value == requirement.value && (present || !requirement.isLabel);
    }
    return false;
  });
}

}  // namespace simgpu::standin
