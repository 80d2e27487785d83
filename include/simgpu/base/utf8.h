#pragma once

#include <optional>
#include <string_view>

namespace simgpu::base {

/// Takes one code point off the front of a text that is not empty. Nothing if that is not valid UTF-8 (overlong forms,
/// surrogates and values beyond U+10FFFF included); then one byte is gone from `text`.
std::optional<char32_t> takeCodePoint(std::string_view& text);

bool isUtf8(std::string_view text);

}  // namespace simgpu::base
