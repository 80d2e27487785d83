#include "metrics/text.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "simgpu/metrics/registry.h"

namespace simgpu::metrics {
namespace {

using testing::HasSubstr;

TEST(MetricsText, NumbersAreThoseOfGo) {
  EXPECT_EQ(numberText(0), "0");
  EXPECT_EQ(numberText(42), "42");
  EXPECT_EQ(numberText(-1.5), "-1.5");
  EXPECT_EQ(numberText(0.005), "0.005");
  EXPECT_EQ(numberText(0.0005), "0.0005");
  EXPECT_EQ(numberText(0.00005), "5e-05");
  EXPECT_EQ(numberText(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(numberText(1e6), "1e+06");
  EXPECT_EQ(numberText(1795784000), "1.795784e+09");
  EXPECT_EQ(numberText(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(numberText(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(numberText(std::nan("")), "NaN");
}

TEST(MetricsText, WhatWouldEndALineOrAValueIsEscaped) {
  Registry registry;
  registry.gauges("a", "Two\nlines, a \\ and \"quotes\".", {"x"}).with({"1\n2\\3\"4"}).set(1);

  EXPECT_EQ(registry.text(),
            "# HELP a Two\\nlines, a \\\\ and \"quotes\".\n# TYPE a gauge\na{x=\"1\\n2\\\\3\\\"4\"} 1\n");
}

TEST(MetricsText, AHistogramHasCumulativeBucketsSumAndCount) {
  Registry registry;
  auto& times = registry.histograms("seconds", "Time.", {"result"}, {0.005, 0.5});
  times.with({"ok"}).observe(std::chrono::milliseconds(4));
  times.with({"ok"}).observe(std::chrono::milliseconds(250));
  times.with({"ok"}).observe(std::chrono::seconds(3));

  EXPECT_EQ(registry.text(),
            "# HELP seconds Time.\n"
            "# TYPE seconds histogram\n"
            "seconds_bucket{result=\"ok\",le=\"0.005\"} 1\n"
            "seconds_bucket{result=\"ok\",le=\"0.5\"} 2\n"
            "seconds_bucket{result=\"ok\",le=\"+Inf\"} 3\n"
            "seconds_sum{result=\"ok\"} 3.254\n"
            "seconds_count{result=\"ok\"} 3\n");
}

TEST(MetricsText, AHistogramWithoutLabelsHasOnlyTheBound) {
  Registry registry;
  registry.histograms("seconds", "Time.", {}, {1}).with({}).observe(2);
  EXPECT_THAT(registry.text(), HasSubstr("seconds_bucket{le=\"1\"} 0\nseconds_bucket{le=\"+Inf\"} 1\nseconds_sum 2\n"));
}

}  // namespace
}  // namespace simgpu::metrics
