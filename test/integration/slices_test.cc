// Published slices, between the real program and an API server.

#include <csignal>

#include "integration/node.h"

namespace simgpu::integration {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class SlicesTest : public NodeTest {};

TEST_F(SlicesTest, NineGpusArePublishedInOneSliceOfTheNode) {
  DaemonProcess driver = startDriver();
  ASSERT_TRUE(awaitDevices(9)) << driverLog();

  nlohmann::json slice = slices().front();
  EXPECT_EQ(slice["spec"]["pool"], nlohmann::json({{"name", "node-a"}, {"generation", 1}, {"resourceSliceCount", 1}}));
  EXPECT_EQ(slice["metadata"]["ownerReferences"][0]["kind"], "Node");
  EXPECT_EQ(slice["spec"]["devices"][0]["capacity"]["memory"]["value"], "80Gi");
}

TEST_F(SlicesTest, AThousandDevicesAreSpreadOverSlicesOfOnePool) {
  DaemonProcess driver = startDriver({"--num-devices=1000", "--kube-api-qps=1000", "--kube-api-burst=100"});
  ASSERT_TRUE(awaitDevices(1000)) << driverLog();
  EXPECT_THAT(slices(), SizeIs(8));
}

TEST_F(SlicesTest, DeletedSlicesAreBackAndAKubeletThatWipesThemToo) {
  DaemonProcess driver = startDriver();
  ASSERT_TRUE(awaitDevices(9));
  std::string first = slices().front()["metadata"]["name"];
  ASSERT_OK(api.remove(std::string(kSlices) + "/" + first));
  ASSERT_TRUE(awaitDevices(9)) << driverLog();

  std::string second = slices().front()["metadata"]["name"];
  startKubelet();
  ASSERT_TRUE(kubelet->awaitPlugin(kDriver));
  EXPECT_TRUE(fakes::eventually([&] { return slices().size() == 1 && slices().front()["metadata"]["name"] != second; }))
      << driverLog();
}

TEST_F(SlicesTest, ANodeThatComesBackWithAnotherUidGetsItsSlices) {
  DaemonProcess driver = startDriver();
  ASSERT_TRUE(awaitDevices(9));
  nlohmann::json node = *api.get("/api/v1/nodes/node-a");
  ASSERT_OK(api.remove("/api/v1/nodes/node-a"));
  ASSERT_OK(api.remove(std::string(kSlices) + "/" + slices().front()["metadata"]["name"].get<std::string>()));
  ASSERT_TRUE(fakes::eventually([&] { return driverLog().find("Cannot publish") != std::string::npos; }));

  auto again =
      api.create("/api/v1/nodes", {{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", "node-a"}}}});

  ASSERT_OK(again);
  ASSERT_TRUE(awaitDevices(9)) << driverLog();
  EXPECT_EQ(slices().front()["metadata"]["ownerReferences"][0]["uid"], (*again)["metadata"]["uid"]);
}

TEST_F(SlicesTest, WithoutAnApiServerTheDriverRegistersAndPublishesLater) {
  stopApiServer();
  startKubelet();
  DaemonProcess driver = startDriver();
  ASSERT_TRUE(kubelet->awaitPlugin(kDriver)) << driverLog();
  EXPECT_TRUE(slices().empty());

  startApiServer();

  EXPECT_TRUE(awaitDevices(9)) << driverLog();
}

TEST_F(SlicesTest, ARestartedDriverFindsItsSlicesAndWritesNothing) {
  {
    DaemonProcess driver = startDriver();
    ASSERT_TRUE(awaitDevices(9));
    driver.signal(SIGTERM);
    ASSERT_EQ(driver.wait(), 0);
  }
  auto before = slices();
  auto posts = api.requests("POST") + api.requests("PUT") + api.requests("DELETE");
  auto watches = api.requests("WATCH");

  DaemonProcess driver = startDriver();

  ASSERT_TRUE(fakes::eventually([&] { return api.requests("WATCH") > watches; })) << driverLog();
  EXPECT_EQ(slices(), before);
  EXPECT_EQ(api.requests("POST") + api.requests("PUT") + api.requests("DELETE"), posts);
}

TEST_F(SlicesTest, TheApiServerMayGoAwayForAWhile) {
  DaemonProcess driver = startDriver();
  ASSERT_TRUE(awaitDevices(9));
  stopApiServer();
  ASSERT_OK(api.remove(std::string(kSlices) + "/" + slices().front()["metadata"]["name"].get<std::string>()));

  startApiServer();

  EXPECT_TRUE(awaitDevices(9)) << driverLog();
}

}  // namespace
}  // namespace simgpu::integration
