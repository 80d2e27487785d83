#include "standin/device_selector.h"

#include <map>
#include <regex>

#include "standin/json_access.h"

namespace simgpu::standin {

namespace {

using nlohmann::json;

const std::string kText = R"((?:"([^"]*)\"|'([^']*)'))";

std::string eitherOf(const std::smatch& match, std::size_t first) {
  return match[first].matched ? match[first].str() : match[first + 1].str();
}

/// The entry of `attributes` or `capacity` that `["domain"].name` means.
const json& entryOf(const json& entries, const std::string& driver, const std::string& domain,
                    const std::string& name) {
  const json& qualified = at(entries, domain + "/" + name);
  return qualified.is_null() && domain == driver ? at(entries, name) : qualified;
}

std::vector<std::string> splitTerms(std::string_view expression) {
  std::vector<std::string> terms(1);
  char quote = 0;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    char c = expression[i];
    if (quote == 0 && expression.substr(i, 2) == "&&") {
      terms.emplace_back();
      ++i;
      continue;
    }
    if (quote != 0 ? c == quote : (c == '"' || c == '\'')) {
      quote = quote != 0 ? 0 : c;
    }
    terms.back() += c;
  }
  return terms;
}

}  // namespace

Result<DeviceSelector::Term> DeviceSelector::parseTerm(std::string_view text) {
  static const std::regex kDriver(R"(\s*device\.driver\s*==\s*)" + kText + R"(\s*)");
  static const std::regex kAttribute(R"(\s*device\.attributes\[)" + kText + R"(\]\.(\w+)\s*==\s*)" + kText + R"(\s*)");
  static const std::regex kCapacity(R"(\s*device\.capacity\[)" + kText + R"(\]\.(\w+)\s*==\s*quantity\()" + kText +
                                    R"(\)\s*)");
  static const std::regex kCompareTo(R"(\s*device\.capacity\[)" + kText + R"(\]\.(\w+)\.compareTo\(quantity\()" +
                                     kText + R"(\)\)\s*(==|<=|>=|<|>)\s*0\s*)");
  static const std::map<std::string, Comparison> kComparisons = {{"==", Comparison::equal},
                                                                 {"<", Comparison::less},
                                                                 {"<=", Comparison::lessOrEqual},
                                                                 {">", Comparison::greater},
                                                                 {">=", Comparison::greaterOrEqual}};
  std::string term(text);
  std::smatch match;
  if (std::regex_match(term, match, kDriver)) {
    return DriverIs{eitherOf(match, 1)};
  }
  if (std::regex_match(term, match, kAttribute)) {
    return AttributeIs{eitherOf(match, 1), match[3].str(), eitherOf(match, 4)};
  }
  bool compares = std::regex_match(term, match, kCompareTo);
  if (compares || std::regex_match(term, match, kCapacity)) {
    auto value = base::Quantity::parse(eitherOf(match, 4));
    if (!value) {
      return unexpected(value.error().with("selector \"{}\"", term));
    }
    return CapacityIs{eitherOf(match, 1), match[3].str(),
                      compares ? kComparisons.at(match[6].str()) : Comparison::equal, *value};
  }
  return unexpected(
      Status::unimplemented("the stand-in's scheduler does not understand this part of a CEL selector: {}", term));
}

Result<DeviceSelector> DeviceSelector::parse(std::string_view expression) {
  DeviceSelector selector;
  for (const std::string& text : splitTerms(expression)) {
    auto term = parseTerm(text);
    if (!term) {
      return unexpected(term.error());
    }
    selector.terms_.push_back(std::move(*term));
  }
  return selector;
}

Result<bool> DeviceSelector::holds(const Term& term, const std::string& driver, const json& device) {
  if (const auto* wanted = std::get_if<DriverIs>(&term)) {
    return wanted->driver == driver;
  }
  if (const auto* wanted = std::get_if<AttributeIs>(&term)) {
    const json& entry = entryOf(at(device, "attributes"), driver, wanted->domain, wanted->name);
    if (entry.is_null()) {
      return unexpected(Status::invalidArgument("CEL runtime error: no such key: {}", wanted->name));
    }
    const char* member = at(entry, "version").is_null() ? "string" : "version";
    return textAt(entry, member) == wanted->value;
  }
  const auto& wanted = std::get<CapacityIs>(term);
  const json& entry = entryOf(at(device, "capacity"), driver, wanted.domain, wanted.name);
  auto actual = base::Quantity::parse(textAt(entry, "value"));
  if (entry.is_null() || !actual) {
    return unexpected(Status::invalidArgument("CEL runtime error: no such key: {}", wanted.name));
  }
  switch (wanted.comparison) {
    case Comparison::equal:
      return *actual == wanted.value;
    case Comparison::less:
      return *actual < wanted.value;
    case Comparison::lessOrEqual:
      return *actual <= wanted.value;
    case Comparison::greater:
      return *actual > wanted.value;
    case Comparison::greaterOrEqual:
      return *actual >= wanted.value;
  }
  return false;
}

Result<bool> DeviceSelector::matches(const std::string& driver, const json& device) const {
  for (const Term& term : terms_) {
    auto result = holds(term, driver, device);
    if (!result || !*result) {
      return result;
    }
  }
  return true;
}

}  // namespace simgpu::standin
