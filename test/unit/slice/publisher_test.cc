#include <set>

#include "fakes/golden.h"
#include "unit/slice/publisher_fixture.h"

namespace simgpu::slice {
namespace {

using testing::SizeIs;

/// The part of a slice that is the same each time.
json stable(json slice) {
  json metadata = {{"generateName", slice["metadata"]["generateName"]},
                   {"ownerReferences", slice["metadata"]["ownerReferences"]}};
  metadata["ownerReferences"][0]["uid"] = "<uid of the Node>";
  slice["metadata"] = std::move(metadata);
  return slice;
}

TEST_F(PublisherTest, AnIdlePublisherHasItsWatchAndNothingElse) {
  publish(8);
  EXPECT_EQ(server.requests("GET", kSlices), 1u);
  EXPECT_EQ(server.requests("GET", kNodes), 1u);
  EXPECT_EQ(server.requests("POST", kSlices), 1u);
  EXPECT_EQ(server.requests("WATCH"), 1u);
  std::size_t before = server.requests();

  for (int i = 0; i < 299; ++i) {
    clock.advance(1s);
  }

  ASSERT_TRUE(clock.awaitWaiters());
  EXPECT_EQ(server.requests(), before);
}

TEST_F(PublisherTest, TheSlicesOfTheTutorialAreThoseOfTheReference) {
  fakes::Cluster tutorial(server, "kind-worker");
  publisher = makePublisher(9, "kind-worker");
  ASSERT_TRUE(becomesIdle());

  json found = json::array();
  for (const json& slice : slices()) {
    found.push_back(stable(slice));
  }
  fakes::expectGolden(found.dump(2) + "\n", "slice/kind-worker.json");
}

TEST_F(PublisherTest, TheOwnerIsTheNodeItself) {
  publish(8);

  json node = server.get("/api/v1/nodes/node-a").value();
  ASSERT_THAT(slices(), SizeIs(1));
  EXPECT_EQ(slices()[0]["metadata"]["ownerReferences"], json::array({{{"apiVersion", "v1"},
                                                                      {"kind", "Node"},
                                                                      {"name", "node-a"},
                                                                      {"uid", node["metadata"]["uid"]},
                                                                      {"controller", true}}}));
}

TEST_F(PublisherTest, AThousandDevicesAreEightSlices) {
  publish(1000);

  EXPECT_THAT(slices(), SizeIs(8));
  EXPECT_TRUE(published(1000, 1));
  EXPECT_EQ(writes(), 8u);
  std::set<std::string> prefixes;
  for (const json& slice : slices()) {
    prefixes.insert(slice["metadata"]["name"].get<std::string>().substr(0, 6));
  }
  EXPECT_THAT(prefixes, SizeIs(8));
}

TEST_F(PublisherTest, ANodeWithoutDevicesHasOneEmptySlice) {
  publish(0);

  ASSERT_THAT(slices(), SizeIs(1));
  EXPECT_TRUE(published(0, 1));
}

TEST_F(PublisherTest, ANodeWithALongNameKeepsItsSlices) {
  const std::string node = "ip-192-168-100-200.eu-central-1.compute.internal";
  fakes::Cluster other(server, node);
  publisher = makePublisher(300, node);
  ASSERT_TRUE(becomesIdle());
  EXPECT_TRUE(published(300, 1));
  EXPECT_EQ(writes(), 3u);

  publisher.reset();
  publisher = makePublisher(300, node);
  ASSERT_TRUE(watches(2));

  EXPECT_EQ(writes(), 3u);
}

TEST_F(PublisherTest, NothingIsDeletedAtTheEnd) {
  publish(8);
  publisher.reset();

  EXPECT_TRUE(published(8, 1));
}

TEST_F(PublisherTest, SlicesOfOtherDriversAndNodesAreLeftAlone) {
  json other = {{"metadata", {{"name", "other"}}},
                {"spec",
                 {{"driver", "other.example.com"},
                  {"nodeName", "node-a"},
                  {"pool", {{"name", "node-a"}, {"generation", 9}, {"resourceSliceCount", 1}}}}}};
  json elsewhere = other;
  elsewhere["metadata"]["name"] = "elsewhere";
  elsewhere["spec"]["driver"] = kDriver;
  elsewhere["spec"]["nodeName"] = "node-b";
  json storedOther = server.create(kSlices, other).value();
  json storedElsewhere = server.create(kSlices, elsewhere).value();

  publish(8);
  publish(16);

  EXPECT_THAT(slices(), SizeIs(3));
  EXPECT_EQ(server.get(std::string(kSlices) + "/other").value(), storedOther);
  EXPECT_EQ(server.get(std::string(kSlices) + "/elsewhere").value(), storedElsewhere);
}

}  // namespace
}  // namespace simgpu::slice
