#include "simgpu/base/quantity.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fakes/result_matchers.h"

namespace simgpu::base {
namespace {

using testing::HasSubstr;

Quantity quantity(std::string_view text) {
  auto parsed = Quantity::parse(text);
  EXPECT_OK(parsed) << text;
  return parsed.value_or(Quantity());
}

TEST(Quantity, TextThatIsNoQuantityIsRefusedInTheWordsOfTheApiServer) {
  for (const char* text : {"", "12abc", "aoeu", "1.1.M", "1+1.0M", "0.1am", " 1", "1 ", "1 Gi", "0x10", "--1", "+-1",
                           "-", "+", ".", "1Gi\n", "1,5", "Gi", "\xc3\xa4"}) {
    EXPECT_THAT(Quantity::parse(text), Fails(Code::invalidArgument, HasSubstr("must match the regular expression")))
        << text;
  }
}

TEST(Quantity, UnknownSuffixesAreRefused) {
  for (const char* text : {"1i", ".5i", "0.1mi", "1K", "1ki", "1GI", "1Gi5", "1m5", "1e", "-3.01e-", "1e+", "1EE",
                           "1KiKi", "1e99999999999", "1MiB"}) {
    EXPECT_THAT(Quantity::parse(text), Fails(Code::invalidArgument, testing::_)) << text;
  }
  EXPECT_THAT(Quantity::parse("1K"), Fails(Code::invalidArgument, "unable to parse quantity's suffix"));
}

TEST(Quantity, WhatNoSixtyFourBitsHoldIsRefused) {
  for (const char* text : {"9223372036854775808", "8Ei", "10E", "1e19", "1e100", "1e2147483647", "-8Ei",
                           "99999999999999999999999999999999999999999999", "9223372036854775807.000000001"}) {
    EXPECT_THAT(Quantity::parse(text), Fails(Code::invalidArgument, HasSubstr("beyond 2^63-1"))) << text;
  }
  EXPECT_EQ(quantity("9223372036854775807").value(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(quantity("-9223372036854775807").value(), -std::numeric_limits<std::int64_t>::max());
}

TEST(Quantity, TheCanonicalFormIsWhatTheApiServerStores) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      // decimal suffixes
      {"0", "0"},
      {"0n", "0"},
      {"0Gi", "0"},
      {"-0", "0"},
      {"000", "0"},
      {"0.000", "0"},
      {"1", "1"},
      {"100", "100"},
      {"007", "7"},
      {"+5", "5"},
      {"-5", "-5"},
      {"1000", "1k"},
      {"1000k", "1M"},
      {"10G", "10G"},
      {"2.5G", "2500M"},
      {"0.5", "500m"},
      {".5", "500m"},
      {"5.", "5"},
      {"1.", "1"},
      {"0.0001", "100u"},
      {"1500m", "1500m"},
      {"1000m", "1"},
      {"100m", "100m"},
      {"1.2345", "1234500u"},
      {"1E", "1E"},
      {"1000P", "1E"},
      {"1100k", "1100k"},
      {"85899345920", "85899345920"},
      {"-2500m", "-2500m"},
      {"1n", "1n"},
      {"1000n", "1u"},
      // finer than 10^-9: away from zero
      {"0.1n", "1n"},
      {"-0.1n", "-1n"},
      {"1.1n", "2n"},
      {"0.0000000001", "1n"},
      {"1e-100", "1e-9"},
      {"0.00000000000000000000000000000000000000001", "1n"},
      {"0e100", "0"},
      // decimal exponents
      {"1e3", "1e3"},
      {"1E3", "1e3"},
      {"1e+3", "1e3"},
      {"1e4", "10e3"},
      {"1000e3", "1e6"},
      {"1e-3", "1e-3"},
      {"1.5e0", "1500e-3"},
      {"5e0", "5"},
      {"12e-1", "1200e-3"},
      {"1e0000000003", "1e3"},
      // binary suffixes
      {"80Gi", "80Gi"},
      {"1024Mi", "1Gi"},
      {"1024Ki", "1Mi"},
      {"1.5Gi", "1536Mi"},
      {"0.5Gi", "512Mi"},
      {"81559Mi", "81559Mi"},
      {"40960Mi", "40Gi"},
      {"1Ki", "1Ki"},
      {"0.5Ki", "512"},
      {"1000Ki", "1000Ki"},
      {"1.1Ki", "1126400m"},
      {"-1Ki", "-1Ki"},
      {"-0.5Ki", "-512"},
      {"7Ei", "7Ei"},
      {"1024Pi", "1Ei"},
      {"0.0000000000001Ki", "1n"},
      {"1.0Gi", "1Gi"},
      {"0.0009765625Ki", "1"},
  };
  for (const auto& [text, canonical] : cases) {
    EXPECT_EQ(quantity(text).toString(), canonical) << text;
  }
}

TEST(Quantity, TheCanonicalFormReadsBackAsTheSameValueAndText) {
  for (const char* text : {"80Gi", "1.1Ki", "2.5G", "1e4", "-0.1n", "1536Mi", "9223372036854775807", "12271335131"}) {
    Quantity once = quantity(text);
    Quantity twice = quantity(once.toString());
    EXPECT_EQ(once, twice) << text;
    EXPECT_EQ(once.toString(), twice.toString()) << text;
  }
}

TEST(Quantity, ComparesByValueAndNotByText) {
  EXPECT_EQ(quantity("1Gi"), quantity("1073741824"));
  EXPECT_EQ(quantity("1e3"), quantity("1k"));
  EXPECT_EQ(quantity("0.5"), quantity("500m"));
  EXPECT_NE(quantity("1Gi"), quantity("1G"));
  EXPECT_LT(quantity("1G"), quantity("1Gi"));
  EXPECT_LT(quantity("-1"), quantity("0"));
  EXPECT_LT(quantity("81559Mi"), quantity("80Gi"));
  EXPECT_GT(quantity("1n"), Quantity());
}

TEST(Quantity, TheWholeValueIsRoundedAwayFromZero) {
  EXPECT_EQ(quantity("80Gi").value(), 85899345920);
  EXPECT_EQ(quantity("500m").value(), 1);
  EXPECT_EQ(quantity("1001m").value(), 2);
  EXPECT_EQ(quantity("-500m").value(), -1);
  EXPECT_EQ(quantity("1n").value(), 1);
  EXPECT_EQ(quantity("2.5G").value(), 2500000000);
  EXPECT_EQ(Quantity().value(), 0);
}

TEST(Quantity, NumbersAreWrittenWithTheSuffixesOfTheirFamily) {
  EXPECT_EQ(Quantity::decimal(1000).toString(), "1k");
  EXPECT_EQ(Quantity::binary(1024).toString(), "1Ki");
  EXPECT_EQ(Quantity::binary(1000).toString(), "1k");
  EXPECT_EQ(Quantity::binary(28633115306).toString(), "28633115306");
  EXPECT_EQ(Quantity::decimal(-1024).toString(), "-1024");
}

}  // namespace
}  // namespace simgpu::base
