#include "kube/json_node.h"

#include <limits>

#include <fmt/format.h>

namespace simgpu::kube {
namespace {

using nlohmann::json;

const json& nullJson() {
  static const json kNull;
  return kNull;
}

std::string_view nameOf(json::value_t type) {
  switch (type) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "an integer";
    case json::value_t::number_float:
      return "a number with a fraction";
    default:
      return "nothing";
  }
}

}  // namespace

JsonNode JsonNode::operator[](std::string_view key) const {
  if (is(json::value_t::object)) {
    if (auto found = json_->find(key); found != json_->end()) {
      return {*found, *this, key, {}};
    }
  }
  return {nullJson(), *this, key, {}};
}

const json& JsonNode::raw() const {
  return json_ ? *json_ : nullJson();
}

bool JsonNode::is(json::value_t type) const {
  if (!json_) {
    return false;
  }
  if (json_->type() != type) {
    fail(fmt::format("expected {}, found {}", nameOf(type), nameOf(json_->type())));
    return false;
  }
  return true;
}

void JsonNode::to(std::string& out) const {
  if (is(json::value_t::string)) {
    out = json_->get_ref<const std::string&>();
  }
}

void JsonNode::to(bool& out) const {
  if (is(json::value_t::boolean)) {
    out = json_->get<bool>();
  }
}

void JsonNode::to(std::int64_t& out) const {
  if (!json_) {
    return;
  }
  if (!json_->is_number_integer()) {
    is(json::value_t::number_integer);
    return;
  }
  if (json_->is_number_unsigned() && json_->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
    fail("the integer is larger than 64 bits with a sign can hold");
    return;
  }
  out = json_->get<std::int64_t>();
}

void JsonNode::to(base::Quantity& out) const {
  if (!json_) {
    return;
  }
  std::string text;
  if (json_->is_number()) {  // the API server takes numbers, too
    text = json_->dump();
  } else if (is(json::value_t::string)) {
    to(text);
  } else {
    return;
  }
  auto quantity = base::Quantity::parse(text);
  if (!quantity) {
    fail(quantity.error().message());
    return;
  }
  out = *quantity;
}

void JsonNode::to(std::vector<std::string>& out) const {
  each([&](const JsonNode& element) { element.to(out.emplace_back()); });
}

void JsonNode::to(std::map<std::string, std::string>& out) const {
  members([&](const std::string& name, const JsonNode& value) { value.to(out[name]); });
}

void JsonNode::fail(std::string_view reason) const {
  if (!failure_.ok()) {
    return;
  }
  auto where = path();
  failure_ = where.empty() ? Status::dataLoss("{}", reason) : Status::dataLoss("{}: {}", where, reason);
}

std::string JsonNode::path() const {
  if (!parent_) {
    return {};
  }
  auto before = parent_->path();
  if (index_) {
    return fmt::format("{}[{}]", before, *index_);
  }
  return before.empty() ? std::string(key_) : fmt::format("{}.{}", before, key_);
}

}  // namespace simgpu::kube
