#include "kube/rfc3339.h"

#include <algorithm>
#include <charconv>

namespace simgpu::kube {
namespace {

/// Takes `digits` digits off the front.
std::optional<int> number(std::string_view& text, std::size_t digits) {
  int value = 0;
  auto part = text.substr(0, digits);
  auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  if (part.size() != digits || error != std::errc() || end != part.data() + digits || value < 0) {
    return std::nullopt;
  }
  text.remove_prefix(digits);
  return value;
}

bool skip(std::string_view& text, char c) {
  if (!text.starts_with(c)) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

void skipFraction(std::string_view& text) {
  if (skip(text, '.')) {
    auto end = text.find_first_not_of("0123456789");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
}

/// `Z` or `+hh:mm`, all that is left.
std::optional<std::chrono::minutes> offset(std::string_view text) {
  if (text == "Z" || text == "z") {
    return std::chrono::minutes(0);
  }
  bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) {
    return std::nullopt;
  }
  text.remove_prefix(1);
  auto hours = number(text, 2);
  if (!hours || !skip(text, ':')) {
    return std::nullopt;
  }
  auto minutes = number(text, 2);
  if (!minutes || !text.empty()) {
    return std::nullopt;
  }
  auto distance = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return west ? -distance : distance;
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> parseRfc3339(std::string_view text) {
  auto year = number(text, 4);
  auto month = year && skip(text, '-') ? number(text, 2) : std::nullopt;
  auto day = month && skip(text, '-') ? number(text, 2) : std::nullopt;
  auto hour = day && (skip(text, 'T') || skip(text, 't')) ? number(text, 2) : std::nullopt;
  auto minute = hour && skip(text, ':') ? number(text, 2) : std::nullopt;
  auto second = minute && skip(text, ':') ? number(text, 2) : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  skipFraction(text);
  auto zone = offset(text);
  std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!zone || !date.ok()) {
    return std::nullopt;
  }
  using Time = std::chrono::system_clock::time_point;
  constexpr auto kFirst = std::chrono::ceil<std::chrono::seconds>(Time::min());
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(Time::max());
  const std::chrono::sys_seconds time = std::chrono::sys_days(date) + std::chrono::hours(*hour) +
                                        std::chrono::minutes(*minute) + std::chrono::seconds(*second) - *zone;
  return std::clamp(time, kFirst, kLast);
}

}  // namespace simgpu::kube
