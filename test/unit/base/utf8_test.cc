#include "simgpu/base/utf8.h"

#include <gtest/gtest.h>

namespace simgpu::base {
namespace {

TEST(Excerpt, IsOneLineWhateverTheTextHolds) {
  EXPECT_EQ(excerpt("  a\r\n\tb\x01\x7f c \n", 100), "a b c");
  EXPECT_EQ(excerpt("a\u0085b\u2028c", 100), "a b c") << "newlines of Unicode";
  EXPECT_EQ(excerpt(std::string_view("a\0b", 3), 100), "a b");
}

TEST(Excerpt, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(excerpt("caf\xe9 \xc3\xa9", 100), "caf\xef\xbf\xbd \xc3\xa9");
  EXPECT_EQ(excerpt("\xc3", 100), "\xef\xbf\xbd");
}

TEST(Excerpt, IsCutBetweenCharacters) {
  EXPECT_EQ(excerpt("abcdef", 6), "abcdef");
  EXPECT_EQ(excerpt("abcdef", 5), "abcde…");
  EXPECT_EQ(excerpt("abéd", 3), "ab…");
  EXPECT_EQ(excerpt("ab cd", 3), "ab…");
}

}  // namespace
}  // namespace simgpu::base
