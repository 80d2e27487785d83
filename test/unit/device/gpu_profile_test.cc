#include <nlohmann/json.hpp>

#include "unit/device/profile_builder.h"

namespace simgpu::device {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kUid = "7c0d9ef4-7c3e-4d0e-8d4f-0b6d6d7d0c11";

Device gpu(std::size_t index, const NodeContext& node = node0()) {
  return gpuProfile().devices(node)->at(index);
}

std::vector<std::string> envOf(const Parameters& parameters, Allocation allocation = {}) {
  allocation.claimUid = kUid;
  auto edits = gpuProfile().deviceEdits(node0(), gpu(6), allocation, parameters);
  EXPECT_OK(edits);
  return edits ? edits->env : std::vector<std::string>();
}

Parameters decoded(const char* sharing) {
  auto parameters = gpuProfile().decodeParameters("gpu", {{"apiVersion", "gpu.resource.example.com/v1alpha1"},
                                                          {"kind", "GpuConfig"},
                                                          {"sharing", nlohmann::json::parse(sharing)}});
  EXPECT_OK(parameters);
  return parameters.value_or(Parameters());
}

TEST(GpuProfile, SettingsOfTheOtherStrategyAreRefusedInTheWordsOfTheReference) {
  const char* both =
      R"({"strategy":"%s","timeSlicingConfig":{"interval":"Long"},"spacePartitioningConfig":{"partitionCount":2}})";
  auto edits = [&](const char* strategy) {
    return gpuProfile().deviceEdits(node0(), gpu(3), {.claimUid = kUid, .shareId = {}, .consumedCapacity = {}},
                                    decoded(with(both, "%s", strategy).c_str()));
  };

  EXPECT_THAT(edits("TimeSlicing"), Fails(Code::failedPrecondition,
                                          "unable to get time slicing config for device gpu-3: cannot use "
                                          "SpacePartitioningConfig with the 'TimeSlicing' strategy"));
  EXPECT_THAT(edits("SpacePartitioning"), Fails(Code::failedPrecondition,
                                                "unable to get space partitioning config for device gpu-3: cannot use "
                                                "TimeSlicingConfig with the 'SpacePartitioning' strategy"));
}

TEST(GpuProfile, TheOtherStrategysSettingsAloneAreRefusedToo) {
  auto edits =
      gpuProfile().deviceEdits(node0(), gpu(3), {.claimUid = kUid, .shareId = {}, .consumedCapacity = {}},
                               decoded(R"({"strategy":"TimeSlicing","spacePartitioningConfig":{"partitionCount":2}})"));

  EXPECT_THAT(edits, Fails(Code::failedPrecondition, HasSubstr("cannot use SpacePartitioningConfig")));
}

TEST(GpuProfile, ControlCharactersNeverReachTheEnvironment) {
  using namespace std::string_literals;
  for (const std::string& uid : {"u\nLD_PRELOAD=/evil"s, "u\0v"s, "u\x7f"s, "u\x1b[0m"s}) {
    auto edits =
        gpuProfile().deviceEdits(node0(), gpu(6), {.claimUid = uid, .shareId = {}, .consumedCapacity = {}}, {});
    EXPECT_THAT(edits, Fails(Code::failedPrecondition, HasSubstr("gpu-6")));
  }
  Device forged = gpu(6);
  forged.name = "gpu-6=x";
  EXPECT_THAT(gpuProfile().deviceEdits(node0(), forged, {.claimUid = kUid, .shareId = {}, .consumedCapacity = {}}, {}),
              Fails(Code::failedPrecondition, testing::_));
  NodeContext node = node0();
  node.nodeName = "a\nb";
  EXPECT_THAT(gpuProfile().nodeEdits(node).env, ElementsAre("DRA_RESOURCE_DRIVER_NAME=gpu.example.com"));
}

TEST(GpuProfile, AKindThatIsNotInTheProfileIsNotFound) {
  Device foreign = gpu(6);
  foreign.kind = "tpu";

  EXPECT_THAT(gpuProfile().deviceEdits(node0(), foreign, {}, {}), Fails(Code::notFound, HasSubstr("tpu")));
  EXPECT_THAT(gpuProfile().decodeParameters("tpu", {}), Fails(Code::notFound, HasSubstr("tpu")));
  EXPECT_THAT(gpuProfile().defaultParameters("tpu"), Fails(Code::notFound, HasSubstr("tpu")));
}

TEST(GpuProfile, AnUnknownProfileNamesTheKnownOnes) {
  EXPECT_THAT(Profile::embedded("foo"),
              Fails(Code::notFound, "invalid device profile \"foo\", valid profiles are [\"cpu\" \"gpu\" \"net\"]"));
}

TEST(GpuProfile, EveryEmbeddedProfileIsValidAndNamedLikeItsFile) {
  EXPECT_THAT(Profile::embeddedNames(), Contains("gpu"));
  for (std::string_view name : Profile::embeddedNames()) {
    auto profile = Profile::embedded(name);
    ASSERT_OK(profile);
    EXPECT_EQ(profile->name(), name);
    EXPECT_OK(profile->devices(
        {.nodeName = "node0", .driverName = profile->defaultDriverName(), .numDevices = std::nullopt}));
  }
}

TEST(GpuProfile, DevicesAreThoseOfTheReference) {
  auto devices = gpuProfile().devices(node0());

  ASSERT_OK(devices);
  ASSERT_EQ(devices->size(), 8);
  EXPECT_EQ(devices->at(0),
            (Device{.name = "gpu-0",
                    .kind = "gpu",
                    .attributes = {{"driverVersion", Version{"1.0.0"}},
                                   {"index", std::int64_t{0}},
                                   {"model", "LATEST-GPU-MODEL"},
                                   {"uuid", "gpu-ba3b8fe9-6640-9938-f8bd-8a7ff8ec6eae"}},
                    .capacity = {{"compute", base::Quantity::decimal(100)}, {"memory", *base::Quantity::parse("80Gi")}},
                    .allowMultipleAllocations = false,
                    .index = 0,
                    .uuid = "ba3b8fe9-6640-9938-f8bd-8a7ff8ec6eae",
                    .parent = "gpu-0"}));
  EXPECT_EQ(devices->at(0).capacity.at("memory").toString(), "80Gi");
  EXPECT_EQ(devices->at(7).name, "gpu-7");
  EXPECT_EQ(devices->at(7).attributes.at("index"), Attribute(std::int64_t{7}));
  EXPECT_EQ(devices->at(7).attributes.at("uuid"), Attribute("gpu-db893ad1-29c0-dae7-a814-088b3c417e44"));
}

TEST(GpuProfile, TheTutorialsNineDevicesHaveItsUuids) {
  auto devices = gpuProfile().devices({.nodeName = "kind-worker", .driverName = "gpu.example.com", .numDevices = 9});

  ASSERT_OK(devices);
  ASSERT_EQ(devices->size(), 9);
  EXPECT_EQ(devices->at(8).attributes.at("uuid"), Attribute("gpu-091ffa42-7640-9cfd-c78e-4fbb544c2a00"));
}

TEST(GpuProfile, NamesAreThoseOfTheReference) {
  Profile profile = gpuProfile();

  EXPECT_EQ(profile.name(), "gpu");
  EXPECT_EQ(profile.cdiClass(), "gpu");
  EXPECT_EQ(profile.defaultDriverName(), "gpu.example.com");
}

TEST(GpuProfile, AllContainersKnowNodeAndDriver) {
  EXPECT_THAT(gpuProfile().nodeEdits(node0()).env,
              ElementsAre("KUBERNETES_NODE_NAME=node0", "DRA_RESOURCE_DRIVER_NAME=gpu.example.com"));
}

TEST(GpuProfile, WithoutConfigAGpuIsTimeSliced) {
  EXPECT_THAT(envOf(*gpuProfile().defaultParameters("gpu")),
              ElementsAre(std::string("GPU_DEVICE_6_RESOURCE_CLAIM=") + kUid,
                          std::string("GPU_DEVICE_GPU_6_RESOURCE_CLAIM=") + kUid, "DRA_ADMIN_ACCESS=false",
                          "GPU_DEVICE_6=gpu-6", "GPU_DEVICE_6_SHARING_STRATEGY=TimeSlicing",
                          "GPU_DEVICE_6_TIMESLICE_INTERVAL=Default"));
}

TEST(GpuProfile, AConfigDecidesStrategyAndItsSetting) {
  EXPECT_THAT(envOf(decoded(R"({"strategy":"TimeSlicing","timeSlicingConfig":{"interval":"Long"}})")),
              ElementsAre(HasSubstr("CLAIM="), HasSubstr("CLAIM="), "DRA_ADMIN_ACCESS=false", "GPU_DEVICE_6=gpu-6",
                          "GPU_DEVICE_6_SHARING_STRATEGY=TimeSlicing", "GPU_DEVICE_6_TIMESLICE_INTERVAL=Long"));
  EXPECT_THAT(envOf(decoded(R"({"strategy":"SpacePartitioning","spacePartitioningConfig":{"partitionCount":10}})")),
              ElementsAre(HasSubstr("CLAIM="), HasSubstr("CLAIM="), "DRA_ADMIN_ACCESS=false", "GPU_DEVICE_6=gpu-6",
                          "GPU_DEVICE_6_SHARING_STRATEGY=SpacePartitioning", "GPU_DEVICE_6_PARTITION_COUNT=10"));
}

TEST(GpuProfile, AdminAccessIsTold) {
  EXPECT_THAT(envOf({}, {.claimUid = {}, .shareId = {}, .adminAccess = true, .consumedCapacity = {}}),
              Contains("DRA_ADMIN_ACCESS=true"));
}

TEST(GpuProfile, AShareTellsWhatItConsumesInCanonicalForm) {
  auto env = envOf(
      *gpuProfile().defaultParameters("gpu"),
      {.claimUid = {},
       .shareId = "5f3c7a52-0000-4000-8000-000000000000",
       .consumedCapacity = {{"memory", *base::Quantity::parse("16384Mi")}, {"compute", base::Quantity::decimal(20)}}});

  ASSERT_EQ(env.size(), 8);
  EXPECT_EQ(env[6], "GPU_DEVICE_6_MEMORY=16Gi");
  EXPECT_EQ(env[7], "GPU_DEVICE_6_COMPUTE=20");
}

}  // namespace
}  // namespace simgpu::device
