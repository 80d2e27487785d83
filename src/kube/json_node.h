#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/base/quantity.h"
#include "simgpu/base/status.h"

namespace simgpu::kube {

/// A value in a JSON document that knows its place, for decoding without an `if` per field.
///
/// What is absent or null reads as empty: `to()` leaves its target alone, loops see nothing. What has the wrong type is
/// recorded in the document's one `failure` (the first wins) and then reads as empty, too.
///
/// A node refers to its parent and to the document: both must outlive it.
class JsonNode {
 public:
  JsonNode(const nlohmann::json& document, Status& failure) : json_(present(document)), failure_(failure) {}
  JsonNode(const JsonNode&) = delete;
  JsonNode& operator=(const JsonNode&) = delete;

  /// The member of an object.
  JsonNode operator[](std::string_view key) const;

  bool exists() const { return json_ != nullptr; }

  /// The value as it is; null if absent.
  const nlohmann::json& raw() const;

  void to(std::string& out) const;
  void to(bool& out) const;
  void to(std::int64_t& out) const;
  void to(base::Quantity& out) const;
  void to(std::vector<std::string>& out) const;
  void to(std::map<std::string, std::string>& out) const;

  /// Calls `visit(const JsonNode& element)` for each element of a list.
  template <typename Visit>
  void each(Visit&& visit) const {
    if (!is(nlohmann::json::value_t::array)) {
      return;
    }
    for (std::size_t index = 0; index < json_->size(); ++index) {
      visit(JsonNode((*json_)[index], *this, {}, index));
    }
  }

  /// Calls `visit(const std::string& name, const JsonNode& value)` for each member of an object.
  template <typename Visit>
  void members(Visit&& visit) const {
    if (!is(nlohmann::json::value_t::object)) {
      return;
    }
    for (const auto& [name, value] : json_->items()) {
      visit(name, JsonNode(value, *this, name, {}));
    }
  }

  /// Records a failure of this value: `<path>: <reason>`.
  void fail(std::string_view reason) const;

  /// `spec.devices[3].name`; empty for the document itself.
  std::string path() const;

 private:
  JsonNode(const nlohmann::json& value, const JsonNode& parent, std::string_view key, std::optional<std::size_t> index)
      : json_(present(value)), failure_(parent.failure_), parent_(&parent), key_(key), index_(index) {}

  static const nlohmann::json* present(const nlohmann::json& json) { return json.is_null() ? nullptr : &json; }

  /// Whether the value is there and of this type; records a failure if it is of another.
  bool is(nlohmann::json::value_t type) const;

  const nlohmann::json* json_;
  Status& failure_;
  const JsonNode* parent_ = nullptr;
  std::string_view key_;
  std::optional<std::size_t> index_;
};

}  // namespace simgpu::kube
