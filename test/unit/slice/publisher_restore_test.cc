#include "unit/slice/publisher_fixture.h"

namespace simgpu::slice {
namespace {

using testing::SizeIs;

TEST_F(PublisherTest, WhoeverDeletesSlicesForEverIsNotFoughtInALoop) {
  publish(8);
  auto tired = [&] { return lines.count("again and again") > 0; };
  std::size_t deleted = 0;
  while (deleted < 50 && eventually([&] { return !slices().empty() || tired(); }) && !slices().empty()) {
    ASSERT_OK(server.remove(path(slices()[0])));
    ++deleted;
  }

  EXPECT_EQ(deleted, 11u);  // the first publication, and ten times at once
  std::size_t before = server.requests("POST", kSlices);
  clock.advance(29s);
  ASSERT_TRUE(pauses(1s));
  EXPECT_EQ(server.requests("POST", kSlices), before);
  EXPECT_EQ(lines.count("again and again"), 1u);

  clock.advance(1s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
  EXPECT_EQ(server.requests("POST", kSlices), before + 1);
}

TEST_F(PublisherTest, ADeletedSliceComesBackAtOnce) {
  publish(1000);

  ASSERT_OK(server.remove(path(slices()[3])));

  EXPECT_TRUE(eventually([&] { return published(1000, 1) && slices().size() == 8; }));
  EXPECT_EQ(server.requests("POST", kSlices), 9u);
  EXPECT_EQ(server.requests("PUT", kSlices), 0u);
}

TEST_F(PublisherTest, AnEditedSliceIsPutBackAtOnce) {
  publish(8);
  json slice = slices()[0];
  json before = slice["spec"];
  slice["spec"]["devices"].erase(2);
  slice["spec"]["devices"][0]["capacity"]["memory"]["value"] = "1Gi";
  server.replace(path(slice), slice).value();

  EXPECT_TRUE(eventually([&] { return slices()[0]["spec"] == before; }));
  EXPECT_EQ(server.requests("PUT", kSlices), 1u);
}

TEST_F(PublisherTest, AnEditThatMeansTheSameIsLeftAlone) {
  publish(8);
  json slice = slices()[0];
  slice["metadata"]["labels"] = {{"team", "a"}};
  slice["spec"]["devices"][0].erase("allowMultipleAllocations");
  server.replace(path(slice), slice).value();
  publisher->poke();
  ASSERT_TRUE(watches(2));

  EXPECT_EQ(server.requests("PUT", kSlices), 0u);
}

TEST_F(PublisherTest, ASurplusSliceGoesAway) {
  publish(8);
  json slice = slices()[0];
  slice["metadata"] = {{"name", "surplus"}};
  server.create(kSlices, slice).value();

  EXPECT_TRUE(eventually([&] { return slices().size() == 1; }));
  EXPECT_TRUE(published(8, 1));
}

TEST_F(PublisherTest, AWipeByTheKubeletIsUndoneAtOnceAgainAndAgain) {
  publish(300);
  for (int i = 0; i < 8; ++i) {
    wipe();
    ASSERT_TRUE(eventually([&] { return published(300, 1) && slices().size() == 3; })) << i;
  }
  EXPECT_EQ(lines.count("again and again"), 0u);
}

TEST_F(PublisherTest, ANodeThatComesBackAsAnotherGetsItsSlicesAgain) {
  publish(8);
  ASSERT_OK(server.remove("/api/v1/nodes/node-a"));
  wipe();  // as the garbage collector does
  ASSERT_TRUE(pauses());
  EXPECT_GE(lines.count("read the Node that owns the ResourceSlices"), 1u);
  for (int i = 0; i < 20; ++i) {
    clock.advance(30s);
    ASSERT_TRUE(pauses());
  }
  EXPECT_THAT(slices(), SizeIs(0));

  fakes::Cluster again(server);
  clock.advance(30s);

  ASSERT_TRUE(eventually([&] { return published(8, 1); }));
  EXPECT_EQ(slices()[0]["metadata"]["ownerReferences"][0]["uid"],
            server.get("/api/v1/nodes/node-a").value()["metadata"]["uid"]);
  EXPECT_EQ(lines.count("again and again"), 0u);
}

TEST_F(PublisherTest, ANodeThatCameBackBeforeAnybodyNoticedOwnsAllSlices) {
  publish(300);
  ASSERT_OK(server.remove("/api/v1/nodes/node-a"));
  fakes::Cluster again(server);
  ASSERT_OK(server.remove(path(slices()[0])));
  std::string uid = server.get("/api/v1/nodes/node-a").value()["metadata"]["uid"];

  EXPECT_TRUE(eventually([&] {
    std::size_t owned = 0;
    for (const json& slice : slices()) {
      owned += slice["metadata"]["ownerReferences"][0]["uid"] == uid ? 1 : 0;
    }
    return owned == 3;
  }));
}

TEST_F(PublisherTest, PokeReadsTheSlicesAgain) {
  publish(8);

  publisher->poke();

  EXPECT_TRUE(eventually([&] { return server.requests("GET", kSlices) == 2 && server.requests("WATCH") == 2; }));
  EXPECT_EQ(writes(), 1u);
}

}  // namespace
}  // namespace simgpu::slice
