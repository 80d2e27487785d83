#include "standin/apply.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "standin/json_access.h"

namespace simgpu::standin {

namespace {

using nlohmann::json;

/// A place in an object's schema: names of fields, joined by dots. Items of a list have the list's.
using Path = std::string;

Path inside(const Path& path, std::string_view field) {
  return path.empty() ? std::string(field) : fmt::format("{}.{}", path, field);
}

/// The keys that tell the items of a list apart; none for a list that is one value.
std::vector<std::string> keysOf(const Path& list) {
  if (list == "status.devices") {
    return {"device", "driver", "pool", "shareID"};
  }
  if (list == "status.devices.conditions") {
    return {"type"};
  }
  return list == "status.reservedFor" ? std::vector<std::string>{"uid"} : std::vector<std::string>{};
}

bool isKeyedList(const json& value, const Path& path) {
  return value.is_array() && !keysOf(path).empty();
}

/// Whether fields of the value have owners of their own.
bool isStruct(const json& value, const Path& path) {
  return value.is_object() && path != "status.devices.data";
}

/// `k:{"device":"gpu-0",…}`, as FieldsV1 names an item.
std::string itemName(const json& item, const Path& list) {
  json keys = json::object();
  for (const std::string& key : keysOf(list)) {
    if (!at(item, key).is_null()) {
      keys[key] = item[key];
    }
  }
  return "k:" + keys.dump();
}

json* findItem(json& list, std::string_view name, const Path& path) {
  if (!list.is_array()) {
    return nullptr;
  }
  auto found = std::ranges::find_if(list, [&](const json& item) { return itemName(item, path) == name; });
  return found == list.end() ? nullptr : &*found;
}

/// The member or item that a name of FieldsV1 stands for; null if it is not there.
const json& child(const json& value, std::string_view name, const Path& path) {
  static const json kNothing;
  if (name.starts_with("f:")) {
    return at(value, name.substr(2));
  }
  if (!value.is_array()) {
    return kNothing;
  }
  auto found = std::ranges::find_if(value, [&](const json& item) { return itemName(item, path) == name; });
  return found == value.end() ? kNothing : *found;
}

Path childPath(const Path& path, std::string_view name) {
  return name.starts_with("f:") ? inside(path, name.substr(2)) : path;
}

/// FieldsV1 of a value.
json fieldsOf(const json& value, const Path& path) {
  json fields = json::object();
  if (isKeyedList(value, path)) {
    for (const json& item : value) {
      json& inner = fields[itemName(item, path)];
      inner = fieldsOf(item, path);
      inner["."] = json::object();
    }
  } else if (isStruct(value, path)) {
    for (const auto& [name, member] : value.items()) {
      if (!member.is_null()) {
        fields["f:" + name] = fieldsOf(member, inside(path, name));
      }
    }
  }
  return fields;
}

bool isLeaf(const json& fields) {
  return fields.empty();
}

std::optional<std::string> duplicateItem(const json& value, const Path& path) {
  if (isKeyedList(value, path)) {
    std::set<std::string> names;
    for (const json& item : value) {
      if (!names.insert(itemName(item, path)).second) {
        return itemName(item, path);
      }
    }
  }
  for (const auto& [name, member] : value.items()) {
    if (!member.is_structured()) {
      continue;
    }
    if (auto duplicate = duplicateItem(member, value.is_array() ? path : inside(path, name))) {
      return duplicate;
    }
  }
  return std::nullopt;
}

void merge(json& live, const json& applied, const Path& path) {
  if (isKeyedList(applied, path)) {
    live = live.is_array() ? std::move(live) : json::array();
    for (const json& item : applied) {
      json* known = findItem(live, itemName(item, path), path);
      merge(known == nullptr ? live.emplace_back(json::object()) : *known, item, path);
    }
  } else if (isStruct(applied, path)) {
    live = live.is_object() ? std::move(live) : json::object();
    for (const auto& [name, member] : applied.items()) {
      if (!member.is_null()) {
        merge(live[name], member, inside(path, name));
      }
    }
  } else {
    live = applied;
  }
}

void erase(json& live, std::string_view name, const Path& path) {
  if (name.starts_with("f:")) {
    if (live.is_object()) {
      live.erase(std::string(name.substr(2)));
    }
  } else if (live.is_array()) {
    std::erase_if(live.get_ref<json::array_t&>(), [&](const json& item) { return itemName(item, path) == name; });
  }
}

/// Removes what a manager applied before, does not apply now, and nobody else has applied.
void prune(json& live, const json& before, const json& now, const std::vector<json>& others, const Path& path) {
  for (const auto& [name, fields] : before.items()) {
    bool kept =
        now.contains(name) || std::ranges::any_of(others, [&](const json& their) { return their.contains(name); });
    if (name == "." || (kept && isLeaf(fields))) {
      continue;
    }
    if (!kept) {
      erase(live, name, path);
      continue;
    }
    std::vector<json> inner;
    for (const json& their : others) {
      inner.push_back(at(their, name));
    }
    json* value = name.starts_with("f:") ? find(&live, name.substr(2)) : findItem(live, name, path);
    if (value != nullptr && value->is_structured()) {
      prune(*value, fields, at(now, name), inner, childPath(path, name));
      if (value->is_array() && value->empty()) {
        erase(live, name, path);
      }
    }
  }
}

/// `fields` without the leaves whose value differs between two objects.
json unchanged(const json& fields, const json& old, const json& next, const Path& path) {
  json kept = json::object();
  for (const auto& [name, inner] : fields.items()) {
    const json& before = child(old, name, path);
    const json& after = child(next, name, path);
    if (name == ".") {
      kept[name] = inner;
    } else if (isLeaf(inner)) {
      if (before == after) {
        kept[name] = inner;
      }
    } else if (!after.is_null()) {
      kept[name] = unchanged(inner, before, after, childPath(path, name));
    }
  }
  return kept;
}

/// `[device="gpu-0",driver="d"]`
std::string readableItem(std::string_view name) {
  std::string text;
  const json keys = json::parse(name.substr(2), nullptr, false);
  for (const auto& [key, value] : keys.items()) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value.dump());
  }
  return "[" + text + "]";
}

/// Where `applied` differs from what a manager has applied to `live`.
void findConflicts(const json& theirs, const json& live, const json& applied, const Path& path,
                   const std::string& readable, std::vector<std::string>& found) {
  for (const auto& [name, fields] : theirs.items()) {
    const json& wanted = child(applied, name, path);
    const json& current = child(live, name, path);
    if (name == "." || wanted.is_null() || wanted == current) {
      continue;
    }
    std::string place = readable + (name.starts_with("f:") ? "." + name.substr(2) : readableItem(name));
    if (isLeaf(fields)) {
      found.push_back(place);
    } else {
      findConflicts(fields, current, wanted, childPath(path, name), place, found);
    }
  }
}

ApiError conflictWith(const std::string& manager, const std::vector<std::string>& places) {
  ApiError error{.code = 409, .reason = "Conflict"};
  error.message = fmt::format("Apply failed with {} conflict{}: conflict with \"{}\" with subresource \"status\": {}",
                              places.size(), places.size() == 1 ? "" : "s", manager, fmt::join(places, ", "));
  return error;
}

}  // namespace

ApiResult<json> applyStatus(const json& live, const json& configuration, const ApplyOptions& options) {
  const json applied = {
      {"status", at(configuration, "status").is_object() ? at(configuration, "status") : json::object()}};
  if (auto duplicate = duplicateItem(applied, "")) {
    return unexpected(ApiError::internal(
        fmt::format("failed to create typed patch object: .status: duplicate entries for key {}", *duplicate)));
  }
  json object = live;
  merge(object, applied, "");
  json mine = {{"manager", options.manager}, {"operation", "Apply"},     {"apiVersion", at(live, "apiVersion")},
               {"time", options.time},       {"fieldsType", "FieldsV1"}, {"fieldsV1", fieldsOf(applied, "")},
               {"subresource", "status"}};
  json managers = json::array();
  std::vector<json> others;
  json before = json::object();
  for (const json& entry : at(at(live, "metadata"), "managedFields")) {
    if (textAt(entry, "manager") == options.manager) {
      before = entry.at("fieldsV1");
      mine["time"] = before == mine["fieldsV1"] ? entry.at("time") : mine["time"];
      continue;
    }
    std::vector<std::string> conflicts;
    findConflicts(entry.at("fieldsV1"), live, applied, "", "", conflicts);
    if (!conflicts.empty() && !options.force) {
      return unexpected(conflictWith(textAt(entry, "manager"), conflicts));
    }
    json& kept = managers.emplace_back(entry);
    kept["fieldsV1"] = unchanged(entry.at("fieldsV1"), live, object, "");
    others.push_back(kept["fieldsV1"]);
  }
  prune(object, before, mine["fieldsV1"], others, "");
  managers.push_back(std::move(mine));
  object["metadata"]["managedFields"] = std::move(managers);
  return object;
}

json managedFieldsAfter(const json& old, const json& next) {
  json managers = at(at(old, "metadata"), "managedFields");
  for (json& entry : managers) {
    entry["fieldsV1"] = unchanged(entry.at("fieldsV1"), old, next, "");
  }
  return managers;
}

}  // namespace simgpu::standin
