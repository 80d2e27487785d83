#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace simgpu::base {

/// Takes one code point off the front of a text that is not empty. Nothing if that is not valid UTF-8 (overlong forms,
/// surrogates and values beyond U+10FFFF included); then one byte is gone from `text`.
std::optional<char32_t> takeCodePoint(std::string_view& text);

bool isUtf8(std::string_view text);

/// What a message can bear of a text that somebody else wrote: one line of valid UTF-8 from its first `limit` bytes.
/// Control characters and blanks in a row become one space, what is not UTF-8 becomes U+FFFD, the rest becomes ….
std::string excerpt(std::string_view text, std::size_t limit);

}  // namespace simgpu::base
