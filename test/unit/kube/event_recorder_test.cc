#include "simgpu/kube/event_recorder.h"

#include <algorithm>

#include "fakes/cluster.h"
#include "fakes/eventually.h"
#include "fakes/fake_clock.h"
#include "fakes/faulty_transport.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "fakes/silent_transport.h"
#include "simgpu/standin/api_server.h"

namespace simgpu::kube {
namespace {

using namespace std::chrono_literals;
using fakes::eventually;
using nlohmann::json;

constexpr const char* kEvents = "/api/v1/namespaces/team-a/events";

class EventRecorderTest : public testing::Test {
 protected:
  void start() { recorder = std::make_unique<EventRecorder>(api, clock, source, registry, log); }

  static Occurrence occurrence(const std::string& message, const std::string& claim = "train") {
    return {.about = {"resource.k8s.io/v1", "ResourceClaim", "team-a", claim, "uid-of-" + claim},
            .type = "Warning",
            .reason = "DeviceInUse",
            .message = message};
  }

  std::vector<json> events() { return server.list(kEvents); }
  std::size_t writes() { return server.requests("POST", "events") + server.requests("PATCH", "events"); }
  double counted(std::string_view result) {
    return registry.counters("dra_sim_gpu_events_total", "", {"result"}).with({result}).value();
  }

  /// Records it, and waits until it was dealt with.
  void recordAndAwait(const Occurrence& what) {
    auto dealt = [this] {
      return counted("created") + counted("repeated") + counted("suppressed") + counted("failed");
    };
    double before = dealt();
    recorder->record(what);
    ASSERT_TRUE(eventually([&] { return dealt() > before; }));
  }

  fakes::FakeClock clock;
  standin::ApiServer server{clock};
  fakes::Cluster cluster{server};
  std::unique_ptr<Transport> transport = server.transport();
  fakes::FaultyTransport network{*transport};
  fakes::MemoryLog lines;
  base::Logger log{lines, clock, {.verbosity = 2}};
  Client api{network, clock, {.qps = 0}, log};
  metrics::Registry registry;
  EventRecorder::Source source{.component = "gpu.example.com", .host = "node-a"};
  std::unique_ptr<EventRecorder> recorder;
};

TEST_F(EventRecorderTest, WhileTheServerIsAwayItTriesEveryTenSecondsAndCountsWhatHappensMeanwhile) {
  network.setDown(true);
  start();
  recorder->record(occurrence("held"));
  ASSERT_TRUE(eventually([&] { return network.refused() == 1; }));
  recorder->record(occurrence("held"));
  recorder->record(occurrence("held"));
  network.setDown(false);
  ASSERT_TRUE(clock.awaitWaiters(1, 10s));
  clock.advance(9s);
  EXPECT_EQ(events().size(), 0u);

  ASSERT_TRUE(clock.awaitWaiters(1, 1s));
  clock.advance(1s);

  ASSERT_TRUE(eventually([&] { return events().size() == 1; }));
  EXPECT_EQ(events()[0]["count"], 3);
}

TEST_F(EventRecorderTest, AfterTwelveTriesItGivesUpThatEventAndGoesOnWithOthers) {
  network.setDown(true);
  start();
  recorder->record(occurrence("lost"));
  for (std::size_t tries = 1; tries < static_cast<std::size_t>(EventRecorder::kMaxTries); ++tries) {
    ASSERT_TRUE(eventually([&] { return network.refused() == tries; }));
    ASSERT_TRUE(clock.awaitWaiters(1, 10s));
    clock.advance(10s);
  }
  ASSERT_TRUE(eventually([&] { return counted("failed") == 1; }));
  network.setDown(false);

  recordAndAwait(occurrence("next"));

  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0]["message"], "next");
}

TEST_F(EventRecorderTest, AMissingRightIsLoggedOnce) {
  server.intercept([](const HttpRequest&) { return HttpResponse{.status = 403, .body = "{}"}; });
  start();
  recordAndAwait(occurrence("one"));
  recordAndAwait(occurrence("two"));

  EXPECT_EQ(lines.count("Events cannot be written"), 1u);
  EXPECT_EQ(counted("failed"), 2);
}

TEST_F(EventRecorderTest, AServerThatNeverAnswersHoldsUpNobodyAndTheQueueIsBounded) {
  fakes::SilentTransport silent;
  Client deaf(silent, clock, {.qps = 0}, log);
  recorder = std::make_unique<EventRecorder>(deaf, clock, source, registry, log);
  recorder->record(occurrence("first"));
  ASSERT_TRUE(eventually([&] { return silent.requests() == 1; }));

  for (std::size_t i = 0; i < EventRecorder::kMaxWaiting + 7; ++i) {
    recorder->record(occurrence(std::to_string(i)));
  }

  EXPECT_EQ(counted("suppressed"), 7);
  recorder.reset();  // waits for no answer
}

TEST_F(EventRecorderTest, WhatHappensAgainIsCountedUpInTheSameEvent) {
  start();
  recordAndAwait(occurrence("held"));
  clock.advance(70s);
  recordAndAwait(occurrence("held"));

  ASSERT_EQ(events().size(), 1u);
  const json event = events()[0];
  EXPECT_EQ(event["count"], 2);
  EXPECT_EQ(event["firstTimestamp"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(event["lastTimestamp"], "2026-01-01T00:01:10Z");
  EXPECT_EQ(event["reason"], "DeviceInUse");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["involvedObject"]["uid"], "uid-of-train");
  EXPECT_EQ(event["source"], (json{{"component", "gpu.example.com"}, {"host", "node-a"}}));
  EXPECT_EQ(counted("created"), 1);
  EXPECT_EQ(counted("repeated"), 1);
}

TEST_F(EventRecorderTest, OtherTextsAndObjectsAreOtherEventsAlsoAtTheSameInstant) {
  start();
  recordAndAwait(occurrence("held"));
  recordAndAwait(occurrence("held by another"));
  recordAndAwait(occurrence("held", "serve"));

  EXPECT_EQ(events().size(), 3u);
}

TEST_F(EventRecorderTest, AnEventThatHasExpiredBeginsAnew) {
  start();
  recordAndAwait(occurrence("held"));
  recordAndAwait(occurrence("held"));
  ASSERT_OK(server.remove(std::string(kEvents) + "/" + events()[0]["metadata"]["name"].get<std::string>()));

  recordAndAwait(occurrence("held"));

  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0]["count"], 1);
}

TEST_F(EventRecorderTest, AnObjectGetsSoManyWritesAndThenOneEachFiveMinutes) {
  start();
  for (int i = 0; i < EventRecorder::kBurst + 10; ++i) {
    recordAndAwait(occurrence("held"));
  }
  EXPECT_EQ(writes(), static_cast<std::size_t>(EventRecorder::kBurst));
  recordAndAwait(occurrence("held", "serve"));
  EXPECT_EQ(events().size(), 2u) << "another object has its own budget";

  clock.advance(300s);
  recordAndAwait(occurrence("held"));

  auto all = events();
  auto train = std::ranges::find_if(all, [](const json& event) { return event["involvedObject"]["name"] == "train"; });
  ASSERT_NE(train, all.end());
  EXPECT_EQ((*train)["count"], EventRecorder::kBurst + 11) << "what was not written was counted";
}

TEST_F(EventRecorderTest, AnEventOfTheNodeIsInDefault) {
  start();
  Occurrence dropped{.about = {"v1", "Node", "", "node-a", "u"}, .reason = "DeviceFieldsDropped", .message = "m"};
  recordAndAwait(dropped);
  recordAndAwait(dropped);

  auto found = server.list("/api/v1/namespaces/default/events");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]["count"], 2);
}

}  // namespace
}  // namespace simgpu::kube
