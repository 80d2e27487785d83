#include "unit/standin/kubelet_fixture.h"

namespace simgpu::standin {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kSlices = "/apis/resource.k8s.io/v1/resourceslices";

json slice(const std::string& name, const std::string& node, const std::string& driver = "gpu.example.com") {
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"driver", driver},
            {"nodeName", node},
            {"pool", {{"name", node}, {"generation", 1}, {"resourceSliceCount", 1}}}}}};
}

class RegistrationTest : public KubeletFixture {
 protected:
  std::vector<std::string> slices() {
    std::vector<std::string> names;
    for (const json& each : api.list(kSlices)) {
      names.push_back(each["metadata"]["name"]);
    }
    return names;
  }
};

TEST_F(RegistrationTest, APluginOfAnotherTypeIsToldWhy) {
  startPlugin({.type = "CSIPlugin"});
  startKubelet();

  ASSERT_TRUE(eventually([&] { return !plugin->notifications().empty(); }));
  EXPECT_THAT(plugin->notifications()[0],
              StartsWith("RegisterPlugin error -- no handler registered for plugin type: CSIPlugin at socket /"));
}

TEST_F(RegistrationTest, APluginWithoutAKnownServiceIsToldWhy) {
  startPlugin({.services = {"v2.DRAPlugin", "v1.DRAResourceHealth"}});
  startKubelet();

  ASSERT_TRUE(eventually([&] { return !plugin->notifications().empty(); }));
  EXPECT_THAT(plugin->notifications()[0],
              HasSubstr("none of services supported by the plugin (v2.DRAPlugin, v1.DRAResourceHealth) are supported "
                        "by the kubelet (v1.DRAPlugin, v1beta1.DRAPlugin)"));
  EXPECT_TRUE(eventually([&] { return !kubelet->registrationOf(plugin->registrationSocket()).ok(); }));
}

TEST_F(RegistrationTest, APluginThatIsThereAlreadyIsRegistered) {
  startPlugin();
  startKubelet();

  EXPECT_TRUE(kubelet->awaitPlugin("gpu.example.com"));
  EXPECT_THAT(plugin->notifications(), ElementsAre(""));
}

TEST_F(RegistrationTest, APluginThatComesLaterIsRegistered) {
  startKubelet();
  startPlugin();

  EXPECT_TRUE(kubelet->awaitPlugin("gpu.example.com"));
}

TEST_F(RegistrationTest, APluginWhoseSocketGoesIsForgotten) {
  startPlugin();
  startKubelet();
  ASSERT_TRUE(kubelet->awaitPlugin("gpu.example.com"));

  plugin.reset();

  EXPECT_TRUE(kubelet->awaitPlugin("gpu.example.com", false));
  EXPECT_THAT(kubelet->prepare("gpu.example.com", {}),
              Fails(Code::unavailable, "DRA driver gpu.example.com is not registered"));
}

TEST_F(RegistrationTest, ARestartedPluginIsRegisteredAgain) {
  startPlugin();
  startKubelet();
  ASSERT_TRUE(kubelet->awaitPlugin("gpu.example.com"));

  plugin.reset();
  startPlugin();

  EXPECT_TRUE(eventually([&] { return !plugin->notifications().empty(); }));
  EXPECT_TRUE(eventually([&] { return kubelet->prepare("gpu.example.com", {{"ns", "u-1", "c"}}).has_value(); }));
}

TEST_F(RegistrationTest, TheFirstKnownServiceOfThePluginsListIsCalled) {
  startPlugin({.services = {"v0.Other", "v1beta1.DRAPlugin", "v1.DRAPlugin"}});
  startKubelet();
  ASSERT_TRUE(kubelet->awaitPlugin("gpu.example.com"));

  ASSERT_OK(kubelet->prepare("gpu.example.com", {{"ns", "u-1", "c"}}));

  EXPECT_THAT(plugin->calls(), ElementsAre("v1beta1+u-1"));
}

TEST_F(RegistrationTest, TheHealthStreamIsRead) {
  startPlugin({.services = {"v1.DRAPlugin", "v1.DRAResourceHealth"}});
  startKubelet();
  ASSERT_TRUE(kubelet->awaitPlugin("gpu.example.com"));

  ASSERT_TRUE(eventually([&] { return !kubelet->health("gpu.example.com").empty(); }));
  DeviceHealth expected{DeviceHealth::State::unhealthy, "too hot"};
  EXPECT_EQ(kubelet->health("gpu.example.com")["node-a/gpu-0"], expected);
}

TEST_F(RegistrationTest, SlicesOfTheNodeAreDeletedAtStart) {
  api.create(kSlices, slice("mine", "node-a")).value();
  api.create(kSlices, slice("other", "node-b")).value();

  startKubelet();

  EXPECT_TRUE(eventually([&] { return slices() == std::vector<std::string>{"other"}; }));
}

TEST_F(RegistrationTest, SlicesOfALostDriverAreDeletedAfterAWhile) {
  options.wipeDelay = std::chrono::milliseconds(100);
  startPlugin();
  startKubelet();
  ASSERT_TRUE(kubelet->awaitPlugin("gpu.example.com"));
  ASSERT_TRUE(eventually([&] { return api.requests("DELETE") > 0; }));
  api.create(kSlices, slice("mine", "node-a")).value();
  api.create(kSlices, slice("neighbour", "node-a", "nic.example.com")).value();

  plugin.reset();

  EXPECT_TRUE(eventually([&] { return slices() == std::vector<std::string>{"neighbour"}; }));
}

}  // namespace
}  // namespace simgpu::standin
