#include "simgpu/base/utf8.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace simgpu::base {
namespace {

/// How a sequence of each length starts: bits of the first byte that are fixed, and the lowest code point it may hold.
struct Form {
  unsigned char mask;
  unsigned char lead;
  char32_t lowest;
};

constexpr Form kForms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

/// The code point at the front of `text`, and how many bytes it takes; nothing if that is not UTF-8.
std::optional<std::pair<char32_t, std::size_t>> decode(std::string_view text) {
  auto first = static_cast<unsigned char>(text.front());
  std::size_t more = 0;
  while (more < std::size(kForms) && (first & kForms[more].mask) != kForms[more].lead) {
    ++more;
  }
  if (more == std::size(kForms) || text.size() <= more) {
    return std::nullopt;
  }
  char32_t point = first & static_cast<unsigned char>(~kForms[more].mask);
  for (char next : text.substr(1, more)) {
    auto byte = static_cast<unsigned char>(next);
    if ((byte & 0xc0) != 0x80) {
      return std::nullopt;
    }
    point = (point << 6) | (byte & 0x3f);
  }
  if (point < kForms[more].lowest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
    return std::nullopt;
  }
  return std::pair(point, more + 1);
}

/// Whether a reader of a line sees nothing, or another line: controls of ASCII and of Latin-1, and separators of lines.
bool isBlank(char32_t point) {
  return point <= 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029;
}

}  // namespace

std::optional<char32_t> takeCodePoint(std::string_view& text) {
  auto decoded = decode(text);
  text.remove_prefix(decoded ? decoded->second : 1);
  return decoded ? std::optional(decoded->first) : std::nullopt;
}

bool isUtf8(std::string_view text) {
  for (;;) {
    // Nearly every text that is asked about is ASCII.
    auto other = std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    text.remove_prefix(static_cast<std::size_t>(other - text.begin()));
    if (text.empty()) {
      return true;
    }
    if (!takeCodePoint(text)) {
      return false;
    }
  }
}

std::string excerpt(std::string_view text, std::size_t limit) {
  const std::size_t size = text.size();
  std::string line;
  bool cut = false;
  while (!text.empty()) {
    std::string_view rest = text;
    auto point = takeCodePoint(rest);
    std::string_view bytes = text.substr(0, text.size() - rest.size());
    cut = size - rest.size() > limit;
    if (cut) {
      break;
    }
    if (!point) {
      line += "\xef\xbf\xbd";
    } else if (!isBlank(*point)) {
      line += bytes;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
    text = rest;
  }
  while (line.ends_with(' ')) {
    line.pop_back();
  }
  return cut ? line + "…" : line;
}

}  // namespace simgpu::base
