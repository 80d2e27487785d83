#include <exception>
#include <istream>
#include <optional>
#include <streambuf>
#include <utility>

#include <nlohmann/json.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "simgpu/cdi/spec.h"

namespace simgpu::cdi {
namespace {

using nlohmann::json;

/// More than any runtime's directory sensibly holds in one file; the YAML parser is slow and hungry.
constexpr std::size_t kMaxSize = 4 << 20;

/// Lets a stream read a text without copying it.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // std::streambuf has no form for constant text; nothing is written
    setg(begin, begin, begin + text.size());
  }
};

/// Builds a JSON value from YAML events. Every scalar becomes a string, or null where YAML says so: a spec has no
/// numbers that matter here, and a name such as `1e5` must stay what it is. Aliases are refused, because a few bytes of
/// them stand for gigabytes.
class JsonBuilder final : public YAML::EventHandler {
 public:
  json take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, nullptr); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "aliases are not supported in CDI specs");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    bool plain = tag != "!";
    if (plain && !isKey() && (value.empty() || value == "~" || value == "null" || value == "Null" || value == "NULL")) {
      add(mark, nullptr);
    } else {
      add(mark, value);
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(mark, json::array());
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(mark, json::object());
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  /// A list or mapping that is not complete yet. Parents do not grow while a child is open, so the pointer holds.
  struct Open {
    json* value;
    std::optional<std::string> key;
  };

  bool isKey() const { return !open_.empty() && open_.back().value->is_object() && !open_.back().key; }

  json* add(const YAML::Mark& mark, json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Open& parent = open_.back();
    if (parent.value->is_array()) {
      return &parent.value->emplace_back(std::move(value));
    }
    if (!parent.key) {
      if (!value.is_string()) {
        throw YAML::ParserException(mark, "a key must be a string");
      }
      parent.key = value.get<std::string>();
      if (parent.value->contains(*parent.key)) {
        throw YAML::ParserException(mark, "duplicate key \"" + *parent.key + "\"");
      }
      return nullptr;
    }
    json& member = (*parent.value)[*parent.key];
    member = std::move(value);
    parent.key.reset();
    return &member;
  }

  void open(const YAML::Mark& mark, json empty) {
    if (isKey()) {
      throw YAML::ParserException(mark, "a key must be a string");
    }
    open_.push_back({add(mark, std::move(empty)), {}});
  }

  json root_;
  std::vector<Open> open_;
};

Result<json> readJson(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const std::exception& error) {
    return unexpected(Status::dataLoss("{}", error.what()));
  }
}

Result<json> readYaml(std::string_view text) {
  try {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    JsonBuilder builder;
    if (!parser.HandleNextDocument(builder)) {
      return unexpected(Status::dataLoss("the file is empty"));
    }
    return builder.take();
  } catch (const YAML::Exception& error) {
    return unexpected(
        Status::dataLoss("line {}, column {}: {}", error.mark.line + 1, error.mark.column + 1, error.msg));
  } catch (const std::exception& error) {
    return unexpected(Status::dataLoss("{}", error.what()));
  }
}

Status wrongType(std::string_view expected, const json& found) {
  return Status::dataLoss("expected {}, found {}", expected, found.type_name());
}

/// The member of an object; null if it is not there.
const json& member(const json& object, const char* key) {
  static const json kNull;
  auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

Status readString(const json& value, std::string& into) {
  if (!value.is_string()) {
    return wrongType("a string", value);
  }
  into = value.get<std::string>();
  return {};
}

/// A list of strings; absent and null are empty. `field` is for the message.
Status readStrings(const json& value, std::string_view field, std::vector<std::string>& into) {
  if (value.is_null()) {
    return {};
  }
  if (!value.is_array()) {
    return wrongType("a list", value).with("{}", field);
  }
  for (const json& entry : value) {
    if (auto status = readString(entry, into.emplace_back()); !status) {
      return status.with("{}[{}]", field, into.size() - 1);
    }
  }
  return {};
}

Status readMount(const json& value, Mount& into) {
  if (!value.is_object()) {
    return wrongType("a mapping", value);
  }
  if (auto status = readString(member(value, "hostPath"), into.hostPath); !status) {
    return status.with("hostPath");
  }
  if (auto status = readString(member(value, "containerPath"), into.containerPath); !status) {
    return status.with("containerPath");
  }
  return readStrings(member(value, "options"), "options", into.options);
}

Status readEdits(const json& value, ContainerEdits& into) {
  if (value.is_null()) {
    return {};
  }
  if (!value.is_object()) {
    return wrongType("a mapping", value).with("containerEdits");
  }
  if (auto status = readStrings(member(value, "env"), "containerEdits.env", into.env); !status) {
    return status;
  }
  const json& mounts = member(value, "mounts");
  if (!mounts.is_null() && !mounts.is_array()) {
    return wrongType("a list", mounts).with("containerEdits.mounts");
  }
  for (const json& entry : mounts) {
    if (auto status = readMount(entry, into.mounts.emplace_back()); !status) {
      return status.with("containerEdits.mounts[{}]", into.mounts.size() - 1);
    }
  }
  return {};
}

Status readDevices(const json& value, std::vector<Device>& into) {
  if (value.is_null()) {
    return {};
  }
  if (!value.is_array()) {
    return wrongType("a list", value).with("devices");
  }
  for (const json& entry : value) {
    std::size_t index = into.size();
    if (!entry.is_object()) {
      return wrongType("a mapping", entry).with("devices[{}]", index);
    }
    Device& device = into.emplace_back();
    if (auto status = readString(member(entry, "name"), device.name); !status) {
      return status.with("devices[{}].name", index);
    }
    if (auto status = readEdits(member(entry, "containerEdits"), device.edits); !status) {
      return status.with("devices[{}]", index);
    }
  }
  return {};
}

Status readAnnotations(const json& value, std::map<std::string, std::string>& into) {
  if (value.is_null()) {
    return {};
  }
  if (!value.is_object()) {
    return wrongType("a mapping", value).with("annotations");
  }
  for (const auto& [key, text] : value.items()) {
    if (auto status = readString(text, into[key]); !status) {
      return status.with("annotations[{}]", key);
    }
  }
  return {};
}

Result<Spec> readSpec(const json& root) {
  if (!root.is_object()) {
    return unexpected(wrongType("a mapping", root));
  }
  Spec spec;
  std::string version;
  if (auto status = readString(member(root, "cdiVersion"), version); !status) {
    return unexpected(status.with("cdiVersion"));
  }
  if (auto status = readString(member(root, "kind"), spec.kind); !status) {
    return unexpected(status.with("kind"));
  }
  for (const Status& status :
       {readAnnotations(member(root, "annotations"), spec.annotations),
        readEdits(member(root, "containerEdits"), spec.edits), readDevices(member(root, "devices"), spec.devices)}) {
    if (!status) {
      return unexpected(status);
    }
  }
  return spec;
}

}  // namespace

Result<Spec> parse(std::string_view text) {
  if (text.size() > kMaxSize) {
    return unexpected(Status::dataLoss("{} bytes are more than a CDI spec may have ({})", text.size(), kMaxSize));
  }
  auto start = text.find_first_not_of(" \t\r\n");
  bool isJson = start != std::string_view::npos && text[start] == '{';
  auto root = isJson ? readJson(text) : readYaml(text);
  // A mapping in braces may also be YAML that is not JSON.
  if (!root && isJson) {
    if (auto yaml = readYaml(text)) {
      root = std::move(yaml);
    }
  }
  if (!root) {
    return unexpected(root.error());
  }
  try {
    return readSpec(*root);
  } catch (const std::exception& error) {
    return unexpected(Status::dataLoss("{}", error.what()));
  }
}

}  // namespace simgpu::cdi
