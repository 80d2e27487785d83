#include "device/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <yaml-cpp/eventhandler.h>

#include "simgpu/base/utf8.h"

namespace simgpu::device {
namespace {

constexpr std::size_t kMaxSize = 1 << 20;

/// Looks through a text once before it is built into nodes. Refuses aliases, because a few bytes of them stand for
/// gigabytes, and what is not UTF-8, which neither the API nor CDI would take.
class Guard final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "aliases are not supported");
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string& value) override {
    if (!base::isUtf8(value)) {
      throw YAML::ParserException(mark, "a text that is not valid UTF-8");
    }
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// A text from a file, short and printable, in quotes.
std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string shown(text.substr(0, kLongest));
  std::ranges::replace_if(shown, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, '?');
  return fmt::format("\"{}{}\"", shown, text.size() > kLongest ? "…" : "");
}

std::string describe(const YAML::Node& node) {
  if (node.IsMap()) {
    return "a mapping";
  }
  if (node.IsSequence()) {
    return "a list";
  }
  return node.IsScalar() ? quoted(node.Scalar()) : "nothing";
}

std::string positionOf(std::string_view origin, const YAML::Mark& mark) {
  return fmt::format("{}:{}", origin, std::max(mark.line, 0) + 1);
}

}  // namespace

void YamlProblems::add(const YAML::Mark& mark, std::string_view field, std::string_view what) {
  if (first_) {
    first_ = Status::invalidArgument("{}: {}{}{}", positionOf(origin_, mark), field, field.empty() ? "" : ": ", what);
  }
}

YamlValue YamlValue::child(const YAML::Node& node, const YAML::Mark& mark, std::string_view suffix) const {
  std::string path =
      suffix.starts_with('[') || field_.empty() ? field_ + std::string(suffix) : fmt::format("{}.{}", field_, suffix);
  return {*problems_, node, mark, std::move(path)};
}

void YamlValue::mismatch(std::string_view expected) const {
  problem(fmt::format("expected {}, found {}", expected, describe(node_)));
}

std::string YamlValue::text() const {
  if (!node_.IsScalar()) {
    mismatch("a text");
    return {};
  }
  return node_.Scalar();
}

std::uint64_t YamlValue::number(std::uint64_t highest) const {
  std::uint64_t value = 0;
  std::string_view digits = isPlain() ? std::string_view(node_.Scalar()) : std::string_view();
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || value > highest) {
    mismatch(fmt::format("a whole number from 0 to {}", highest));
    return 0;
  }
  return value;
}

bool YamlValue::boolean() const {
  if (!isPlain() || (node_.Scalar() != "true" && node_.Scalar() != "false")) {
    mismatch("true or false");
    return false;
  }
  return node_.Scalar() == "true";
}

std::vector<YamlValue> YamlValue::list() const {
  std::vector<YamlValue> items;
  if (!node_.IsSequence()) {
    mismatch("a list");
    return items;
  }
  for (const YAML::Node& item : node_) {
    items.push_back(child(item, item.Mark(), fmt::format("[{}]", items.size())));
  }
  return items;
}

std::vector<std::pair<std::string, YamlValue>> YamlValue::members() const {
  std::vector<std::pair<std::string, YamlValue>> members;
  if (!node_.IsMap()) {
    mismatch("a mapping");
    return members;
  }
  for (const auto& member : node_) {
    if (!member.first.IsScalar()) {
      problems_->add(member.first.Mark(), field_, fmt::format("expected a name, found {}", describe(member.first)));
      continue;
    }
    const std::string& key = member.first.Scalar();
    if (std::ranges::find(members, key, &std::pair<std::string, YamlValue>::first) != members.end()) {
      problems_->add(member.first.Mark(), field_, fmt::format("expected each name once, found {} twice", quoted(key)));
    }
    members.emplace_back(key, child(member.second, member.first.Mark(), key));
  }
  return members;
}

YamlMapping::YamlMapping(const YamlValue& value, std::initializer_list<std::string_view> known)
    : value_(value), members_(value.members()) {
  for (const auto& [key, member] : members_) {
    if (std::ranges::find(known, key) == known.end()) {
      value.problem(fmt::format("expected one of {}, found {}", fmt::join(known, ", "), quoted(key)));
    }
  }
}

const YamlValue* YamlMapping::find(std::string_view key) const {
  auto found = std::ranges::find(members_, key, &std::pair<std::string, YamlValue>::first);
  return found == members_.end() ? nullptr : &found->second;
}

const YamlValue* YamlMapping::require(std::string_view key) const {
  const YamlValue* found = find(key);
  if (found == nullptr) {
    value_.problem(fmt::format("expected a field {}, found none", key));
  }
  return found;
}

Result<YAML::Node> loadYaml(std::string_view text, std::string_view origin) {
  if (text.size() > kMaxSize) {
    return unexpected(
        Status::invalidArgument("{}:1: expected at most {} bytes, found {}", origin, kMaxSize, text.size()));
  }
  try {
    std::string copy(text);
    std::istringstream stream(copy);
    YAML::Parser parser(stream);
    Guard guard;
    int documents = 0;
    // Not to the end: yaml-cpp 0.7 goes on with empty documents for ever where one is followed by a stray comma.
    while (documents < 2 && parser.HandleNextDocument(guard)) {
      ++documents;
    }
    if (documents != 1) {
      return unexpected(Status::invalidArgument("{}:1: expected one YAML document, found {}", origin,
                                                documents == 0 ? "none" : "several"));
    }
    return YAML::Load(copy);
  } catch (const YAML::Exception& error) {
    return unexpected(Status::invalidArgument("{}: expected YAML: {}", positionOf(origin, error.mark), error.msg));
  } catch (const std::exception& error) {
    return unexpected(Status::invalidArgument("{}:1: expected YAML: {}", origin, error.what()));
  }
}

}  // namespace simgpu::device
