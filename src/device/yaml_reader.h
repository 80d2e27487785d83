#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "simgpu/base/result.h"

namespace simgpu::device {

/// Keeps the first thing that is wrong with a file. Reading goes on with defaults, so that the code that reads looks
/// like the format; whoever reads asks for `status()` at the end.
class YamlProblems {
 public:
  explicit YamlProblems(std::string_view origin) : origin_(origin) {}

  /// `<origin>:<line>: <field>: <what>`
  void add(const YAML::Mark& mark, std::string_view field, std::string_view what);

  const Status& status() const { return first_; }

 private:
  std::string origin_;
  Status first_;
};

/// A node of the file with the path that errors call it by. All conversions report to the problems and answer a default
/// if the node is not what they want.
class YamlValue {
 public:
  YamlValue(YamlProblems& problems, const YAML::Node& node, std::string field)
      : YamlValue(problems, node, node.Mark(), std::move(field)) {}

  /// Any scalar but null, as it is written.
  std::string text() const;
  /// A whole number without quotes.
  std::uint64_t number(std::uint64_t highest) const;
  /// `true` or `false` without quotes.
  bool boolean() const;
  std::vector<YamlValue> list() const;
  /// The members of a mapping, in order, each key once.
  std::vector<std::pair<std::string, YamlValue>> members() const;

  bool isList() const { return node_.IsSequence(); }
  bool isMapping() const { return node_.IsMap(); }

  /// Reports `expected <expected>, found <this node>`.
  void mismatch(std::string_view expected) const;
  /// Reports a sentence of the caller's.
  void problem(std::string_view what) const { problems_->add(mark_, field_, what); }

  const std::string& field() const { return field_; }

 private:
  bool isPlain() const { return node_.IsScalar() && node_.Tag() != "!"; }
  YamlValue(YamlProblems& problems, const YAML::Node& node, const YAML::Mark& mark, std::string field)
      : problems_(&problems), node_(node), mark_(mark), field_(std::move(field)) {}

  YamlValue child(const YAML::Node& node, const YAML::Mark& mark, std::string_view suffix) const;

  YamlProblems* problems_;
  YAML::Node node_;
  YAML::Mark mark_;  ///< Where the field begins; of a member, its key.
  std::string field_;
};

/// A mapping whose keys are known beforehand; any other one is reported.
class YamlMapping {
 public:
  YamlMapping(const YamlValue& value, std::initializer_list<std::string_view> known);

  /// Null if absent.
  const YamlValue* find(std::string_view key) const;
  /// Reports if absent, and answers null then.
  const YamlValue* require(std::string_view key) const;

 private:
  YamlValue value_;
  std::vector<std::pair<std::string, YamlValue>> members_;
};

/// The only document of a text. invalidArgument with `<origin>:<line>: …` if it is not YAML, is larger than a profile
/// can sensibly be, or has aliases (a few bytes of which stand for gigabytes).
Result<YAML::Node> loadYaml(std::string_view text, std::string_view origin);

}  // namespace simgpu::device
