#include "device/syntax.h"

#include <algorithm>
#include <string>

namespace simgpu::device {
namespace {

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}
bool isLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool isLetter(char c) {
  return isLower(c) || (c >= 'A' && c <= 'Z');
}

/// Calls `accept` with each part of `text` between separators until one is refused.
template <typename Predicate>
bool allParts(std::string_view text, char separator, Predicate accept) {
  while (true) {
    auto end = text.find(separator);
    if (!accept(text.substr(0, end))) {
      return false;
    }
    if (end == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(end + 1);
  }
}

bool isDnsLabelOfAnyLength(std::string_view text) {
  auto sound = [](char c) { return isLower(c) || isDigit(c); };
  return !text.empty() && sound(text.front()) && sound(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return sound(c) || c == '-'; });
}

bool isVersionNumber(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, isDigit) && (text.size() == 1 || text.front() != '0');
}

bool isVersionIdentifier(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return isDigit(c) || isLetter(c) || c == '-'; });
}

bool isPrereleaseIdentifier(std::string_view text) {
  return isVersionIdentifier(text) && (!std::ranges::all_of(text, isDigit) || isVersionNumber(text));
}

}  // namespace

bool isDnsLabel(std::string_view text) {
  return text.size() <= kMaxLabelLength && isDnsLabelOfAnyLength(text);
}

bool isDnsSubdomain(std::string_view text) {
  return text.size() <= kMaxNodeNameLength && allParts(text, '.', isDnsLabelOfAnyLength);
}

bool isDriverName(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text.size() <= kMaxDriverNameLength && isDnsSubdomain(lower);
}

bool isCIdentifier(std::string_view text) {
  return !text.empty() && !isDigit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return isLetter(c) || isDigit(c) || c == '_'; });
}

bool isQualifiedName(std::string_view text) {
  auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    if (!isDriverName(text.substr(0, slash))) {
      return false;
    }
    text.remove_prefix(slash + 1);
  }
  return text.size() <= 32 && isCIdentifier(text);
}

bool isLabelName(std::string_view text) {
  if (auto slash = text.find('/'); slash != std::string_view::npos) {
    if (!isDnsSubdomain(text.substr(0, slash))) {
      return false;
    }
    text.remove_prefix(slash + 1);
  }
  return !text.empty() && isLabelValue(text);
}

bool isLabelValue(std::string_view text) {
  auto sound = [](char c) { return isLetter(c) || isDigit(c); };
  return text.empty() ||
         (text.size() <= kMaxLabelLength && sound(text.front()) && sound(text.back()) &&
          std::ranges::all_of(text, [&](char c) { return sound(c) || c == '-' || c == '_' || c == '.'; }));
}

bool isCdiClass(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelLength && isLetter(text.front()) &&
         (isLetter(text.back()) || isDigit(text.back())) &&
         std::ranges::all_of(text, [](char c) { return isLetter(c) || isDigit(c) || c == '-' || c == '_'; });
}

bool isSemanticVersion(std::string_view text) {
  if (text.size() > kMaxAttributeValueLength) {
    return false;
  }
  if (auto plus = text.find('+'); plus != std::string_view::npos) {
    if (!allParts(text.substr(plus + 1), '.', isVersionIdentifier)) {
      return false;
    }
    text = text.substr(0, plus);
  }
  if (auto minus = text.find('-'); minus != std::string_view::npos) {
    if (!allParts(text.substr(minus + 1), '.', isPrereleaseIdentifier)) {
      return false;
    }
    text = text.substr(0, minus);
  }
  return std::ranges::count(text, '.') == 2 && allParts(text, '.', isVersionNumber);
}

}  // namespace simgpu::device
