#include "kube/transfer.h"

#include <algorithm>
#include <charconv>

namespace simgpu::kube {
namespace {

/// Lists come in pages of 500 objects; nothing the API server answers is larger.
constexpr std::size_t kMaxAnswer = 64u << 20;

constexpr std::size_t kMaxWarnings = 32;

bool sameName(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i];
    if (c != lower[i]) {
      return false;
    }
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// `Retry-After` in seconds; the form with a date is not used by Kubernetes.
std::optional<std::chrono::seconds> secondsFrom(std::string_view text) {
  std::uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return std::chrono::seconds(value);
}

/// The text of `299 - "text"` (RFC 7234 section 5.5), without its escapes.
std::optional<std::string> warningFrom(std::string_view value) {
  auto begin = value.find('"');
  if (!value.starts_with("299 ") || begin == std::string_view::npos) {
    return std::nullopt;
  }
  std::string text;
  for (auto i = begin + 1; i < value.size() && value[i] != '"'; ++i) {
    i += value[i] == '\\' && i + 1 < value.size() ? 1 : 0;
    text += value[i];
  }
  return text;
}

}  // namespace

Status Transfer::late(std::string_view server) const {
  return Status::deadlineExceeded("the API server {} did not answer in time", server);
}

void Transfer::succeed() {
  over_(answer_.status);
  deliver();
}

void Transfer::fail(Status status) {
  over_(abandoned() ? answer_.status : 0);
  deliver(std::move(status));
}

void Transfer::restart() {
  answer_ = {};
  refusal_ = {};
  hasHeaders_ = false;
}

void Transfer::header(std::string_view line, base::Clock::TimePoint now) {
  if (line.starts_with("HTTP/")) {
    answer_ = {};  // what came before was an interim answer
    auto code = line.substr(std::min(line.find(' ') + 1, line.size())).substr(0, 3);
    std::from_chars(code.data(), code.data() + code.size(), answer_.status);
    return;
  }
  if (trimmed(line).empty() && answer_.status >= 200) {
    hasHeaders_ = true;
    opened(now);
  }
  auto colon = line.find(':');
  if (colon == std::string_view::npos) {
    return;
  }
  auto name = line.substr(0, colon);
  auto value = trimmed(line.substr(colon + 1));
  if (sameName(name, "retry-after")) {
    answer_.retryAfter = secondsFrom(value);
  } else if (sameName(name, "warning") && answer_.warnings.size() < kMaxWarnings) {
    if (auto warning = warningFrom(value)) {
      answer_.warnings.push_back(*std::move(warning));
    }
  }
}

bool Transfer::append(std::string_view bytes, std::size_t limit) {
  if (bytes.size() > limit - answer_.body.size()) {
    refusal_ = Status::unavailable("the answer is longer than {} bytes", limit);
    return false;
  }
  answer_.body.append(bytes);
  return true;
}

bool RequestTransfer::body(std::string_view bytes, base::Clock::TimePoint /*now*/) {
  return append(bytes, kMaxAnswer);
}

}  // namespace simgpu::kube
