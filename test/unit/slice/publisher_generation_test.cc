#include "unit/slice/publisher_fixture.h"

namespace simgpu::slice {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// A slice of our driver and node that is none of ours.
json foreign(const std::string& name, std::int64_t generation) {
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"driver", kDriver},
            {"nodeName", "node-a"},
            {"pool", {{"name", "node-a"}, {"generation", generation}, {"resourceSliceCount", 1}}},
            {"devices", json::array({{{"name", "gpu-0"}}})}}}};
}

TEST_F(PublisherTest, AFailureInTheMiddleIsNoStepOfTheGeneration) {
  std::atomic<int> creations = 0;
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    bool fails = request.method == "POST" && ++creations == 4;
    return fails ? std::optional(answer(500, "out of order")) : std::nullopt;
  });
  start(1000);
  ASSERT_TRUE(pauses());
  EXPECT_THAT(slices(), SizeIs(3));

  clock.advance(1s);

  ASSERT_TRUE(eventually([&] { return published(1000, 1); }));
  EXPECT_EQ(creations, 9);
  EXPECT_EQ(server.requests("PUT", kSlices), 0u);
}

TEST_F(PublisherTest, AFailureInTheMiddleOfAChangeIsOneStepOfTheGeneration) {
  publish(1000);
  std::atomic<int> updates = 0;
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    bool fails = request.method == "PUT" && ++updates == 3;
    return fails ? std::optional(answer(500, "out of order")) : std::nullopt;
  });
  start(600);
  ASSERT_TRUE(eventually([&] { return updates == 3; }));
  ASSERT_TRUE(pauses());

  clock.advance(1s);

  ASSERT_TRUE(eventually([&] { return published(600, 2); }));
  EXPECT_THAT(slices(), SizeIs(5));
  EXPECT_EQ(updates, 6);
  EXPECT_EQ(server.requests("DELETE", kSlices), 3u);
}

TEST_F(PublisherTest, AStopInTheMiddleOfAChangeIsFinishedAfterARestart) {
  publish(300);
  std::atomic<int> updates = 0;
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    bool fails = request.method == "PUT" && ++updates > 1;
    return fails ? std::optional(answer(500, "out of order")) : std::nullopt;
  });
  start(290);
  ASSERT_TRUE(eventually([&] { return updates == 2; }));
  publisher.reset();
  server.intercept({});

  start(290);

  EXPECT_TRUE(eventually([&] { return published(290, 2); }));
}

TEST_F(PublisherTest, AChangeIsOneStepOfTheGenerationAndNoMoreThanItsWrites) {
  publish(300);
  EXPECT_EQ(writes(), 3u);

  start(1000);

  ASSERT_TRUE(eventually([&] { return published(1000, 2); }));
  EXPECT_EQ(writes(), 3u + 8u);
}

TEST_F(PublisherTest, ARestartSendsNothing) {
  publish(1000);
  std::size_t before = writes();

  start(1000);
  ASSERT_TRUE(watches(2));

  EXPECT_EQ(writes(), before);
  EXPECT_TRUE(published(1000, 1));
}

TEST_F(PublisherTest, SlicesWithOldNamesAreReplaced) {
  server.create(kSlices, foreign("node-a-gpu.example.com-x7k2p", 1)).value();

  publish(8);

  ASSERT_THAT(slices(), SizeIs(1));
  EXPECT_TRUE(published(8, 2));
  EXPECT_THAT(slices()[0]["metadata"]["name"].get<std::string>(), testing::StartsWith("00000-gpu.example.com-node-a-"));
}

TEST_F(PublisherTest, AHigherGenerationOfSomebodyElseIsOutdoneByOne) {
  publish(8);
  server.create(kSlices, foreign("somebody-elses", 7)).value();

  ASSERT_TRUE(eventually([&] { return published(8, 8); }));
  EXPECT_THAT(slices(), SizeIs(1));
}

TEST_F(PublisherTest, AnotherOwnerFromBeforeIsReplaced) {
  publish(8);
  publisher.reset();
  json slice = slices()[0];
  slice["metadata"]["ownerReferences"][0]["uid"] = "of an earlier node";
  server.replace(path(slice), slice).value();

  start(8);

  std::string uid = server.get("/api/v1/nodes/node-a").value()["metadata"]["uid"];
  EXPECT_TRUE(eventually([&] { return slices()[0]["metadata"]["ownerReferences"][0]["uid"] == uid; }));
}

}  // namespace
}  // namespace simgpu::slice
