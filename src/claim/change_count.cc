#include "claim/change_count.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace simgpu::claim {

ChangeCount ChangeCount::parse(std::string_view text) {
  auto number = [&text] {
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    std::uint64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  };
  ChangeCount count;
  count.changes = number();
  count.claims = number();
  count.bootId = text;
  return count;
}

std::string ChangeCount::text() const {
  return fmt::format("{} {} {}", changes, claims, bootId);
}

}  // namespace simgpu::claim
