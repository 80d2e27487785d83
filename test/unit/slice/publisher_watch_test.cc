#include "unit/slice/publisher_fixture.h"

namespace simgpu::slice {
namespace {

using Answer = std::optional<kube::HttpResponse>;

TEST_F(PublisherTest, AWatchThatEndsEachSecondIsNotRenewedEachSecond) {
  publish(8);
  for (int i = 0; i < 120; ++i) {
    server.endWatches();
    clock.advance(1s);
    ASSERT_TRUE(clock.awaitWaiters());
  }
  EXPECT_LT(server.requests("WATCH"), 60u);
  EXPECT_EQ(server.requests("GET", kSlices), 1u);

  ASSERT_OK(server.remove(path(slices()[0])));
  clock.advance(5s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, AWatchThatEndsAtOnceDoesNotMakeUsBusy) {
  server.intercept([](const kube::HttpRequest& request) -> Answer {
    return request.target.find("watch=") != std::string::npos ? Answer(answer(200)) : std::nullopt;
  });
  start(8);
  ASSERT_TRUE(eventually([&] { return published(8, 1); }));
  ASSERT_TRUE(pauses());
  for (int i = 0; i < 60; ++i) {
    clock.advance(1s);
    ASSERT_TRUE(pauses());
  }

  EXPECT_LT(server.requests("WATCH"), 30u);
}

TEST_F(PublisherTest, WithoutTheRightToWatchTheSlicesAreListedNowAndThen) {
  server.intercept([](const kube::HttpRequest& request) -> Answer {
    return request.target.find("watch=") != std::string::npos ? Answer(answer(403, "no")) : std::nullopt;
  });
  start(8);
  ASSERT_TRUE(eventually([&] { return published(8, 1); }));
  ASSERT_TRUE(pauses());
  for (int i = 0; i < 600; ++i) {
    clock.advance(1s);
    ASSERT_TRUE(pauses());
  }
  EXPECT_LT(server.requests("GET", kSlices), 40u);
  EXPECT_LT(server.requests("WATCH"), 40u);

  ASSERT_OK(server.remove(path(slices()[0])));
  clock.advance(30s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, AnExpiredWatchBeginsWithAFreshList) {
  publish(8);
  fakes::Cluster other(server, "node-b");  // takes a resourceVersion
  server.compact();
  network.breakWatches(Status());
  ASSERT_TRUE(pauses());

  clock.advance(1s);
  ASSERT_TRUE(eventually([&] { return server.requests("WATCH") >= 2; }));
  ASSERT_TRUE(pauses());
  clock.advance(1s);

  ASSERT_TRUE(eventually([&] { return server.requests("GET", kSlices) == 2; }));
  ASSERT_OK(server.remove(path(slices()[0])));
  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, ASilentWatchIsReplaced) {
  publish(8);
  network.breakWatches(Status::deadlineExceeded("nothing arrived for 630 s"));
  ASSERT_TRUE(pauses());

  clock.advance(1s);

  EXPECT_TRUE(eventually([&] { return server.requests("GET", kSlices) == 2 && server.requests("WATCH") == 2; }));
}

TEST_F(PublisherTest, AnEventThatCannotBeUnderstoodLeadsToAFreshList) {
  publish(8);
  network.inject("{\"type\":\"ADDED\",\"object\":7}");
  ASSERT_TRUE(pauses());

  clock.advance(1s);

  EXPECT_TRUE(eventually([&] { return server.requests("GET", kSlices) == 2 && server.requests("WATCH") == 2; }));
}

TEST_F(PublisherTest, AWatchThatEndsInTimeGoesOnWithoutAList) {
  publish(8);
  for (int i = 0; i < 601; ++i) {
    clock.advance(1s);
  }

  ASSERT_TRUE(watches(2));
  EXPECT_EQ(server.requests("GET", kSlices), 1u);
  ASSERT_OK(server.remove(path(slices()[0])));
  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

TEST_F(PublisherTest, AnIdleHourIsAFewWatchesAndNothingElse) {
  publish(8);
  auto others = [this] { return server.requests() - server.requests("WATCH"); };
  std::size_t before = others();
  for (int round = 0; round < 6; ++round) {
    std::size_t watches = server.requests("WATCH");
    for (int i = 0; i < 601; ++i) {
      clock.advance(1s);
    }
    ASSERT_TRUE(eventually([&] { return server.requests("WATCH") > watches; }));
    ASSERT_TRUE(clock.awaitWaiters());
  }

  EXPECT_EQ(others(), before);
  EXPECT_LE(server.requests("WATCH"), 13u) << "none lasts less than five minutes";
}

TEST_F(PublisherTest, EventsFromBeforeOurOwnWritesAreIgnored) {
  publish(1000);
  json stale = slices()[0];
  stale["metadata"]["resourceVersion"] = "1";
  stale["spec"]["devices"] = json::array();
  network.inject(json{{"type", "MODIFIED"}, {"object", stale}}.dump());
  stale["metadata"]["uid"] = "of an earlier slice of that name";
  network.inject(json{{"type", "DELETED"}, {"object", stale}}.dump());

  ASSERT_OK(server.remove(path(slices()[1])));

  ASSERT_TRUE(eventually([&] { return published(1000, 1) && slices().size() == 8; }));
  EXPECT_EQ(server.requests("PUT", kSlices), 0u);
  EXPECT_EQ(server.requests("POST", kSlices), 9u);
}

}  // namespace
}  // namespace simgpu::slice
