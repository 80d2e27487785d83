#include "webhook/repeated_fields.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace simgpu::webhook {
namespace {

using nlohmann::json;

/// Follows the text and keeps no values: only where it is, and which fields the open objects have had.
class Follower final : public nlohmann::json_sax<json> {
 public:
  explicit Follower(std::string_view specPath) {
    std::string_view rest = specPath;
    way_ = {"request", "object"};
    while (!rest.empty()) {
      std::string_view key = rest.substr(0, rest.find('.'));
      rest.remove_prefix(std::min(rest.size(), key.size() + 1));
      way_.emplace_back(key);
    }
    for (const char* key : {"devices", "config", kAnyIndex, "opaque", "parameters"}) {
      way_.emplace_back(key);
    }
  }

  std::map<std::size_t, RepeatedFields> take() && { return std::move(found_); }

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }

  bool start_object(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.key = name;
    if (levels_.size() > way_.size() && onTheWay() && !level.seen.insert(name).second) {
      note();
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  static constexpr const char* kAnyIndex = "[]";
  static constexpr std::size_t kConfigLevels = 3;  ///< From the end of the way: the index, `opaque`, `parameters`.

  struct Level {
    bool isArray = false;
    std::size_t index = 0;  ///< Of the array's element that is being read.
    std::string key;        ///< Of the object's member that is being read.
    std::set<std::string> seen;
  };

  bool open(bool isArray) {
    levels_.push_back({.isArray = isArray, .key = {}, .seen = {}});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return value();
  }

  /// A value has ended.
  bool value() {
    if (!levels_.empty() && levels_.back().isArray) {
      ++levels_.back().index;
    }
    return true;
  }

  bool onTheWay() const {
    for (std::size_t i = 0; i < way_.size(); ++i) {
      if (levels_[i].isArray ? way_[i] != kAnyIndex : levels_[i].key != way_[i]) {
        return false;
      }
    }
    return true;
  }

  void note() {
    std::string path;
    for (std::size_t i = way_.size(); i < levels_.size(); ++i) {
      const Level& level = levels_[i];
      path += level.isArray ? fmt::format("[{}]", level.index) : (path.empty() ? "" : ".") + level.key;
    }
    RepeatedFields& fields = found_[levels_[way_.size() - kConfigLevels].index];
    if (std::ranges::find(fields, path) == fields.end()) {
      fields.push_back(std::move(path));
    }
  }

  std::vector<std::string> way_;  ///< From the review to the parameters.
  std::vector<Level> levels_;
  std::map<std::size_t, RepeatedFields> found_;
};

}  // namespace

std::map<std::size_t, RepeatedFields> repeatedFields(std::string_view body, std::string_view specPath) {
  Follower follower(specPath);
  json::sax_parse(body.begin(), body.end(), &follower);
  return std::move(follower).take();
}

}  // namespace simgpu::webhook
