#include "simgpu/metrics/registry.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>

namespace simgpu::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Registry, ANameThatIsTakenByAnotherKindOfMetricIsServedOnceAndAsItWas) {
  Registry registry;
  registry.counter("things_total", "Things.").add(2);

  registry.gauge("things_total", "Other things.").set(7);
  registry.counters("things_total", "Labelled things.", {"a"}).with({"b"}).add(9);

  EXPECT_EQ(registry.text(), "# HELP things_total Things.\n# TYPE things_total counter\nthings_total 2\n");
}

TEST(Registry, WhoAsksForANameAgainGetsTheSameMetric) {
  Registry registry;
  registry.counters("things_total", "Things.", {"kind"}).with({"a"}).add();
  registry.counters("things_total", "Things.", {"kind"}).with({"a"}).add();

  EXPECT_THAT(registry.text(), HasSubstr("things_total{kind=\"a\"} 2\n"));
}

TEST(Registry, TwoRegistriesDoNotKnowOfEachOther) {
  Registry one;
  Registry other;
  one.counter("things_total", "Things.").add();

  EXPECT_EQ(other.text(), "");
}

TEST(Registry, AFamilyWithoutMetricsIsLeftOut) {
  Registry registry;
  registry.counters("things_total", "Things.", {"kind"});
  EXPECT_EQ(registry.text(), "");
}

TEST(Registry, ValuesThatAreMissingAreEmptyAndFurtherOnesIgnored) {
  Registry registry;
  auto& things = registry.counters("things_total", "Things.", {"a", "b"});
  things.with({"1"}).add();
  things.with({"1", "2", "3"}).add();

  EXPECT_THAT(registry.text(), HasSubstr("things_total{a=\"1\",b=\"\"} 1\nthings_total{a=\"1\",b=\"2\"} 1\n"));
}

TEST(Registry, FamiliesAndMetricsAreSorted) {
  Registry registry;
  registry.gauge("b", "B.").set(1);
  auto& a = registry.gauges("a", "A.", {"x"});
  a.with({"2"}).set(2);
  a.with({"1"}).set(1);

  EXPECT_EQ(registry.text(),
            "# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2\n# HELP b B.\n# TYPE b gauge\nb 1\n");
}

TEST(Registry, WhatIsLookedUpIsLookedUpForEachText) {
  Registry registry;
  auto& looked = registry.counter("looked_total", "Looked.");
  registry.beforeText([&] { looked.add(); });

  registry.text();
  EXPECT_THAT(registry.text(), HasSubstr("looked_total 2\n"));
}

TEST(Counter, IsRaisedToAForeignCountButNeverLowered) {
  Counter counter;
  counter.raiseTo(5);
  counter.raiseTo(3);
  EXPECT_EQ(counter.value(), 5);
}

TEST(Histogram, AValueOnABoundBelongsBelowIt) {
  Histogram histogram({1, 2});
  for (double value : {0.5, 1.0, 1.5, 2.0, 99.0}) {
    histogram.observe(value);
  }
  auto [counts, sum] = histogram.snapshot();
  EXPECT_THAT(counts, testing::ElementsAre(2, 2, 1));
  EXPECT_EQ(sum, 104);
}

TEST(Registry, ThreadsCountTogetherWhileTheTextIsRead) {
  Registry registry;
  auto& things = registry.counters("things_total", "Things.", {"kind"});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&things] {
        for (int n = 0; n < 1000; ++n) {
          things.with({n % 2 == 0 ? "even" : "odd"}).add();
        }
      });
    }
    EXPECT_THAT(registry.text(), Not(HasSubstr("other")));
  }
  EXPECT_THAT(registry.text(), HasSubstr("things_total{kind=\"even\"} 2000\nthings_total{kind=\"odd\"} 2000\n"));
}

}  // namespace
}  // namespace simgpu::metrics
