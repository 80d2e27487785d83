#include "fakes/silent_transport.h"
#include "unit/slice/publisher_fixture.h"

namespace simgpu::slice {
namespace {

using Answer = std::optional<kube::HttpResponse>;

/// The pauses between attempts, without jitter.
constexpr std::chrono::milliseconds kPauses[] = {100ms,  200ms,   400ms,   800ms, 1600ms, 3200ms,
                                                 6400ms, 12800ms, 25600ms, 30s,   30s};

TEST_F(PublisherTest, AttemptsBecomeRareWhileTheServerFails) {
  server.intercept([](const kube::HttpRequest& request) -> Answer {
    return request.method == "POST" ? Answer(answer(500, "out of order")) : std::nullopt;
  });
  start(8);
  std::size_t attempts = 1;
  for (auto pause : kPauses) {
    ASSERT_TRUE(pauses(pause));
    EXPECT_EQ(server.requests("POST", kSlices), attempts++);
    clock.advance(pause - 1ms);
    EXPECT_EQ(server.requests("POST", kSlices), attempts - 1);
    clock.advance(1ms);
    ASSERT_TRUE(eventually([&] { return server.requests("POST", kSlices) == attempts; }));
  }
  EXPECT_EQ(server.requests("GET", kSlices), 1u);

  ASSERT_TRUE(pauses());
  server.intercept({});
  clock.advance(30s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, AttemptsBecomeRareWhileTheServerCannotBeReached) {
  network.setDown(true);
  start(8);
  std::size_t attempts = 1;
  for (auto pause : kPauses) {
    ASSERT_TRUE(pauses(pause));
    EXPECT_EQ(network.refused(), attempts++);
    clock.advance(pause);
    ASSERT_TRUE(eventually([&] { return network.refused() == attempts; }));
  }
  ASSERT_TRUE(pauses());
  EXPECT_GE(lines.count("connection refused"), 10u);

  network.setDown(false);
  clock.advance(30s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, AServerThatGoesAwayAndComesBackIsWatchedAgain) {
  publish(8);
  network.setDown(true);
  network.breakWatches(Status::unavailable("connection reset"));
  ASSERT_TRUE(pauses());
  ASSERT_OK(server.remove(path(slices()[0])));
  for (int i = 0; i < 60; ++i) {
    clock.advance(1s);
    ASSERT_TRUE(pauses());
  }
  EXPECT_LT(network.refused(), 12u);

  network.setDown(false);
  clock.advance(30s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, WhatIsForbiddenIsTriedAgainUntilItIsAllowed) {
  server.intercept([](const kube::HttpRequest&) -> Answer { return answer(403, "no"); });
  start(8);
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(pauses());
    clock.advance(1s);
  }
  ASSERT_TRUE(pauses());
  EXPECT_LT(server.requests(), 40u);
  EXPECT_GE(lines.count("needs \\\"list\\\" on resourceslices"), 10u);

  server.intercept({});
  clock.advance(30s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, RetryAfterIsRespected) {
  std::atomic<bool> busy = true;
  server.intercept([&](const kube::HttpRequest& request) -> Answer {
    auto refusal = answer(429, "Too many requests, please try again later.");
    refusal.retryAfter = 7s;
    return busy && request.method == "POST" ? Answer(refusal) : std::nullopt;
  });
  start(8);
  ASSERT_TRUE(pauses());
  busy = false;

  clock.advance(6999ms);
  ASSERT_TRUE(pauses(1ms));
  EXPECT_EQ(server.requests("POST", kSlices), 1u);

  clock.advance(1ms);
  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, NoServerSendsUsAwayForLongerThanFiveMinutes) {
  server.intercept([](const kube::HttpRequest&) -> Answer {
    auto refusal = answer(503);
    refusal.retryAfter = std::chrono::seconds::max();
    return refusal;
  });
  start(8);
  ASSERT_TRUE(pauses(5min));

  server.intercept({});
  clock.advance(5min);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, WhatIsInvalidIsTriedAgainEveryFiveMinutes) {
  server.intercept([](const kube::HttpRequest& request) -> Answer {
    return request.method == "POST" ? Answer(answer(422, "a policy does not like it")) : std::nullopt;
  });
  start(8);
  ASSERT_TRUE(pauses());
  for (int i = 0; i < 299; ++i) {
    clock.advance(1s);
  }
  ASSERT_TRUE(pauses(1s));
  EXPECT_EQ(server.requests("POST", kSlices), 1u);
  EXPECT_GE(lines.count("a policy does not like it"), 1u);

  server.intercept({});
  clock.advance(1s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, AConflictIsResolvedByReadingAgain) {
  publish(8);
  std::atomic<int> updates = 0;
  server.intercept([&](const kube::HttpRequest& request) -> Answer {
    return request.method == "PUT" && ++updates == 1 ? Answer(answer(409, "somebody was faster")) : std::nullopt;
  });
  start(9);
  ASSERT_TRUE(eventually([&] { return updates == 1; }));
  ASSERT_TRUE(pauses());

  clock.advance(1s);

  EXPECT_TRUE(eventually([&] { return published(9, 2); }));
  EXPECT_EQ(updates, 2);
  EXPECT_EQ(server.requests("GET", kSlices), 3u);
}

TEST_F(PublisherTest, AMissingNodeIsWaitedFor) {
  ASSERT_OK(server.remove("/api/v1/nodes/node-a"));
  start(8);
  ASSERT_TRUE(pauses());
  EXPECT_EQ(writes(), 0u);

  fakes::Cluster again(server);
  clock.advance(1s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

/// A server that does something to each slice before it stores it.
class ChangingServer {
 public:
  ChangingServer(standin::ApiServer& server, std::function<void(json&)> change) {
    server.intercept([&server, change = std::move(change)](const kube::HttpRequest& request) -> Answer {
      if (request.method != "POST" && request.method != "PUT") {
        return std::nullopt;
      }
      json slice = json::parse(request.body);
      change(slice);
      auto stored =
          request.method == "POST" ? server.create(request.target, slice) : server.replace(request.target, slice);
      return stored ? answer(200, stored->dump()) : answer(500, stored.error().message());
    });
  }
};

TEST_F(PublisherTest, FieldsThatTheServerDropsAreReportedOnceAndLeftOut) {
  ChangingServer old(server, [](json& slice) {
    for (json& device : slice["spec"]["devices"]) {
      device["capacity"].erase("compute");
    }
  });
  publish(1000);
  EXPECT_EQ(server.requests("POST", kSlices), 8u);
  EXPECT_EQ(server.requests("PUT", kSlices), 0u);

  ASSERT_OK(server.remove(path(slices()[0])));

  ASSERT_TRUE(eventually([&] { return published(1000, 1) && slices().size() == 8; }));
  EXPECT_EQ(server.requests("POST", kSlices), 9u);
  EXPECT_EQ(server.requests("PUT", kSlices), 0u);
  EXPECT_EQ(lines.count("dropped fields"), 1u);
  ASSERT_EQ(events.all().size(), 1u);
  EXPECT_EQ(events.all()[0].reason, "DeviceFieldsDropped");
  EXPECT_EQ(events.all()[0].about.name, "node-a");
  EXPECT_FALSE(events.all()[0].about.uid.empty());
  EXPECT_EQ(lines.count("capacity compute of device gpu-0"), 1u);
}

TEST_F(PublisherTest, AServerThatStoresSomethingElseIsNotFoughtInALoop) {
  ChangingServer odd(server, [](json& slice) { slice["metadata"].erase("ownerReferences"); });
  start(8);
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(pauses());
    clock.advance(1s);
  }

  EXPECT_LT(writes(), 60u);
  EXPECT_GE(lines.count("stores ResourceSlices that differ"), 10u);
}

TEST_F(PublisherTest, StoppingDoesNotWaitForAnAnswerAndIsNoFailure) {
  fakes::SilentTransport silent;
  kube::Client deaf(silent, clock, {.qps = 0}, log);
  device::Inventory inventory = gpus(1, "node-a");
  auto stopped = std::make_unique<Publisher>(Publisher::Options{.lockFile = "/plugins/publish.lock"}, inventory, deaf,
                                             clock, random, files, events, instruments, log);
  ASSERT_TRUE(eventually([&] { return silent.requests() == 1; }));

  stopped.reset();

  EXPECT_EQ(lines.count("Cannot"), 0u);
}

}  // namespace
}  // namespace simgpu::slice
