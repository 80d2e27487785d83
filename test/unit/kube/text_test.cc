#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/base64.h"
#include "kube/rfc3339.h"

namespace simgpu::kube {
namespace {

using testing::Eq;
using testing::Gt;
using testing::Lt;
using testing::Optional;

TEST(Base64, WhatIsNotBase64IsRefused) {
  for (const auto* text : {"A", "AB", "ABC", "A===", "AB=C", "====", "QUJD*A==", "QUJD QUJD", "=", "QQ=", "QUI=="}) {
    EXPECT_EQ(base64Decode(text), std::nullopt) << text;
  }
}

TEST(Base64, EveryLengthComesBack) {
  std::string bytes;
  for (int i = 0; i < 260; ++i) {
    EXPECT_THAT(base64Decode(base64Encode(bytes)), Optional(Eq(bytes)));
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(base64Encode("light w"), "bGlnaHQgdw==");
}

TEST(Base64, LineBreaksAreIgnored) {
  EXPECT_THAT(base64Decode("bGln\r\naHQg\ndw==\n"), Optional(Eq("light w")));
}

TEST(Rfc3339, WhatIsNotATimeIsRefused) {
  for (const auto* text :
       {"", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:00+1", "x026-01-01T00:00:00Z", "2026-01-01T00:00:00ZZ",
        "-026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00x"}) {
    EXPECT_EQ(parseRfc3339(text), std::nullopt) << text;
  }
}

TEST(Rfc3339, FractionsAndOffsetsAreRead) {
  auto at = [](std::int64_t seconds) { return std::chrono::system_clock::time_point(std::chrono::seconds(seconds)); };
  EXPECT_THAT(parseRfc3339("1970-01-01T00:00:01Z"), Optional(Eq(at(1))));
  EXPECT_THAT(parseRfc3339("2001-09-09T01:46:40Z"), Optional(Eq(at(1000000000))));
  EXPECT_THAT(parseRfc3339("2001-09-09T01:46:40.999999Z"), Optional(Eq(at(1000000000))));
  EXPECT_THAT(parseRfc3339("2001-09-09T03:46:40+02:00"), Optional(Eq(at(1000000000))));
  EXPECT_THAT(parseRfc3339("2001-09-08T21:16:40-04:30"), Optional(Eq(at(1000000000))));
}

TEST(Rfc3339, ATimeThatIsForEverIsInTheFuture) {
  const auto now = std::chrono::system_clock::now();
  EXPECT_THAT(parseRfc3339("9999-12-31T23:59:59Z"), Optional(Gt(now + std::chrono::years(100))));
  EXPECT_THAT(parseRfc3339("0001-01-01T00:00:00Z"), Optional(Lt(now - std::chrono::years(100))));
}

}  // namespace
}  // namespace simgpu::kube
