#include "simgpu/claim/allocation.h"

#include "fakes/cluster.h"
#include "fakes/result_matchers.h"
#include "simgpu/kube/json.h"

namespace simgpu::claim {
namespace {

using fakes::AllocationBuilder;
using fakes::gpuConfig;
using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kUid = "303b27ee-0000-4000-8000-000000000001";

class AllocationTest : public testing::Test {
 protected:
  AllocationTest()
      : inventory(*device::Inventory::create(
            *device::Profile::embedded("gpu"),
            {.nodeName = "node-a", .driverName = "gpu.example.com", .numDevices = std::nullopt})) {}

  Result<Record> resolve(const AllocationBuilder& allocation) { return resolveJson(allocation.build()); }

  Result<Record> resolveJson(const json& allocation) {
    auto claim = kube::resourceClaimFromJson(
        {{"metadata", {{"name", "train"}, {"namespace", "team-a"}}}, {"status", {{"allocation", allocation}}}});
    EXPECT_OK(claim);
    return resolveAllocation(inventory, naming, {.space = "team-a", .name = "train", .uid = kUid}, *claim->allocation,
                             "boot-1");
  }

  static std::vector<std::string> envOf(const Result<Record>& record, std::size_t device = 0) {
    EXPECT_OK(record);
    return record ? record->spec.devices.at(device).edits.env : std::vector<std::string>();
  }

  static json timeSlicing(std::string_view interval) {
    return gpuConfig({{"strategy", "TimeSlicing"}, {"timeSlicingConfig", {{"interval", interval}}}});
  }

  device::Inventory inventory;
  SpecNaming naming{.driverName = "gpu.example.com", .cdiClass = "gpu"};
};

TEST_F(AllocationTest, AnUnknownDeviceAForeignPoolAndAnEmptyAllocationAreRefusedInTheReferencesWords) {
  EXPECT_THAT(resolve(AllocationBuilder().device("gpu-99")),
              Fails(Code::notFound, "requested device is not allocatable: gpu-99"));
  EXPECT_THAT(resolve(AllocationBuilder().device("gpu-0", "gpu", "node-b")),
              Fails(Code::notFound, HasSubstr("requested device is not allocatable: gpu-0 of pool node-b")));
  EXPECT_THAT(resolve(AllocationBuilder().device("x", "gpu", "p", "other.example.com")),
              Fails(Code::invalidArgument, HasSubstr("invalid spec, no devices")));
}

TEST_F(AllocationTest, TheTutorialsEnvironmentComesOutForADevice) {
  auto record = resolve(AllocationBuilder().device("gpu-6", "example-gpu"));

  std::string uid = kUid;
  EXPECT_THAT(envOf(record),
              ElementsAre("GPU_DEVICE_6_RESOURCE_CLAIM=" + uid, "GPU_DEVICE_GPU_6_RESOURCE_CLAIM=" + uid,
                          "DRA_ADMIN_ACCESS=false", "GPU_DEVICE_6=gpu-6", "GPU_DEVICE_6_SHARING_STRATEGY=TimeSlicing",
                          "GPU_DEVICE_6_TIMESLICE_INTERVAL=Default"));
  EXPECT_THAT(record->spec.edits.env,
              ElementsAre("KUBERNETES_NODE_NAME=node-a", "DRA_RESOURCE_DRIVER_NAME=gpu.example.com"));
  EXPECT_THAT(record->prepared.devices,
              ElementsAre(PreparedDevice{.requests = {"example-gpu"},
                                         .pool = "node-a",
                                         .device = "gpu-6",
                                         .cdiIds = {"k8s.gpu.example.com/gpu=" + uid + "-gpu-6"}}));
}

TEST_F(AllocationTest, ResultsOfOtherDriversAreSkipped) {
  auto record = resolve(AllocationBuilder().device("nic", "net", "p", "net.example.com").device("gpu-1"));
  ASSERT_OK(record);
  EXPECT_EQ(record->prepared.devices.size(), 1u);
}

TEST_F(AllocationTest, ASubrequestIsAnsweredWithItsMainRequest) {
  auto record = resolve(AllocationBuilder().device("gpu-1", "req-0/80gi-gpu"));
  ASSERT_OK(record);
  EXPECT_THAT(record->prepared.devices.front().requests, ElementsAre("req-0"));
}

TEST_F(AllocationTest, TheClaimBeatsTheClassAndTheLastEntryBeatsTheOthers) {
  auto record = resolve(AllocationBuilder()
                            .device("gpu-1")
                            .config("FromClaim", timeSlicing("Short"))
                            .config("FromClaim", timeSlicing("Long"))
                            .config("FromClass", timeSlicing("Medium")));
  EXPECT_THAT(envOf(record), Contains("GPU_DEVICE_1_TIMESLICE_INTERVAL=Long"));

  record = resolve(AllocationBuilder().device("gpu-1").config("FromClass", timeSlicing("Medium")));
  EXPECT_THAT(envOf(record), Contains("GPU_DEVICE_1_TIMESLICE_INTERVAL=Medium"));
}

TEST_F(AllocationTest, AnEntryMatchesItsRequestItsSubrequestAndItsParent) {
  auto interval = [&](std::string request) {
    return envOf(resolve(
        AllocationBuilder().device("gpu-1", "a/fast").config("FromClaim", timeSlicing("Long"), {std::move(request)})));
  };
  EXPECT_THAT(interval("a"), Contains("GPU_DEVICE_1_TIMESLICE_INTERVAL=Long"));
  EXPECT_THAT(interval("a/fast"), Contains("GPU_DEVICE_1_TIMESLICE_INTERVAL=Long"));
  EXPECT_THAT(interval("a/slow"), Contains("GPU_DEVICE_1_TIMESLICE_INTERVAL=Default"));
  EXPECT_THAT(interval("b"), Contains("GPU_DEVICE_1_TIMESLICE_INTERVAL=Default"));
}

TEST_F(AllocationTest, EachDeviceGetsTheConfigurationOfItsRequest) {
  auto space = gpuConfig({{"strategy", "SpacePartitioning"}, {"spacePartitioningConfig", {{"partitionCount", 10}}}});
  auto record = resolve(AllocationBuilder()
                            .device("gpu-3", "ts")
                            .device("gpu-4", "sp")
                            .config("FromClaim", timeSlicing("Long"), {"ts"})
                            .config("FromClaim", space, {"sp"}));
  EXPECT_THAT(envOf(record, 0), Contains("GPU_DEVICE_3_TIMESLICE_INTERVAL=Long"));
  EXPECT_THAT(envOf(record, 1), Contains("GPU_DEVICE_4_PARTITION_COUNT=10"));
  EXPECT_THAT(envOf(record, 1), Not(Contains(HasSubstr("TIMESLICE"))));
}

TEST_F(AllocationTest, WrongConfigurationsAreRefusedInTheReferencesWords) {
  auto failure = [&](json parameters) {
    auto record = resolve(AllocationBuilder().device("gpu-3").config("FromClaim", std::move(parameters)));
    return record ? std::string("prepared") : record.error().message();
  };
  EXPECT_THAT(failure({{"apiVersion", "gpu.resource.example.com/v1alpha1"}, {"kind", "GpuConfig"}, {"foo", 1}}),
              "error getting opaque device configs: error decoding config parameters: strict decoding error: unknown "
              "field \"foo\"");
  EXPECT_THAT(failure({{"apiVersion", "gpu.resource.example.com/v1alpha1"}, {"kind", "Foo"}}),
              HasSubstr("error getting opaque device configs: error decoding config parameters: no kind \"Foo\" is "
                        "registered for version \"gpu.resource.example.com/v1alpha1\""));
  EXPECT_THAT(failure(gpuConfig({{"strategy", "X"}})),
              "error applying config: error validating GPU config: unknown GPU sharing strategy: X");
  EXPECT_THAT(failure(gpuConfig({{"strategy", "TimeSlicing"},
                                 {"timeSlicingConfig", {{"interval", "Default"}}},
                                 {"spacePartitioningConfig", {{"partitionCount", 1}}}})),
              "error applying config: unable to get time slicing config for device gpu-3: cannot use "
              "SpacePartitioningConfig with the 'TimeSlicing' strategy");
}

TEST_F(AllocationTest, AConfigurationOfAnotherDriverIsNotEvenDecoded) {
  EXPECT_OK(resolve(AllocationBuilder().device("gpu-1").config("FromClaim", {{"x", 1}}, {}, "net.example.com")));
}

TEST_F(AllocationTest, UnknownSourcesAndKindsOfConfigurationAreRefused) {
  EXPECT_THAT(resolve(AllocationBuilder().device("gpu-1").config("FromMoon", timeSlicing("Long"))),
              Fails(Code::invalidArgument, "error getting opaque device configs: invalid config source: FromMoon"));
  json allocation = AllocationBuilder().device("gpu-1").build();
  allocation["devices"]["config"] = json::array({{{"source", "FromClaim"}}});
  EXPECT_THAT(resolveJson(allocation),
              Fails(Code::invalidArgument, HasSubstr("only opaque parameters are supported by this driver")));
}

TEST_F(AllocationTest, AdminAccessHoldsNothingAndIsToldToEveryDeviceOfTheClaim) {
  auto record = resolve(AllocationBuilder().device("gpu-1", "a").device("gpu-2", "b").admin());
  EXPECT_THAT(envOf(record, 0), Contains("DRA_ADMIN_ACCESS=true"));
  EXPECT_THAT(record->held, ElementsAre(HeldDevice{.pool = "node-a", .device = "gpu-1"}));
}

TEST_F(AllocationTest, ADeviceOfTwoRequestsIsOneCdiDevice) {
  auto record = resolve(AllocationBuilder().device("gpu-1", "a").device("gpu-1", "b").admin());
  ASSERT_OK(record);
  EXPECT_EQ(record->spec.devices.size(), 1u);
  EXPECT_EQ(record->prepared.devices.size(), 2u);
  EXPECT_EQ(record->prepared.devices[0].cdiIds, record->prepared.devices[1].cdiIds);

  auto differing = resolve(AllocationBuilder()
                               .device("gpu-1", "a")
                               .device("gpu-1", "b")
                               .admin()
                               .config("FromClaim", timeSlicing("Long"), {"a"}));
  EXPECT_THAT(differing, Fails(Code::invalidArgument, HasSubstr("multiple device")));
}

TEST_F(AllocationTest, AShareIsPartOfTheName) {
  std::string share = "11111111-0000-4000-8000-000000000001";
  auto record = resolve(AllocationBuilder().device("gpu-1").share(share));
  ASSERT_OK(record);
  EXPECT_EQ(record->spec.devices.front().name, std::string(kUid) + "-gpu-1-" + share);
  EXPECT_EQ(record->prepared.devices.front().shareId, share);
}

TEST_F(AllocationTest, AShareTellsWhatItTookAndThatIsHeld) {
  std::string share = "11111111-0000-4000-8000-000000000001";
  auto record = resolve(AllocationBuilder().device("gpu-1").share(share, {{"memory", "16384Mi"}, {"compute", 20}}));
  EXPECT_THAT(envOf(record), testing::IsSupersetOf({"GPU_DEVICE_1_MEMORY=16Gi", "GPU_DEVICE_1_COMPUTE=20"}));
  ASSERT_EQ(record->held.size(), 1u);
  EXPECT_EQ(record->held.front().shareId, share);
  EXPECT_EQ(record->held.front().consumed.at("memory"), base::Quantity::parse("16Gi").value());
}

TEST_F(AllocationTest, MoreThanADeviceHasIsRefused) {
  std::string share = "11111111-0000-4000-8000-000000000001";
  EXPECT_THAT(resolve(AllocationBuilder().device("gpu-1").share(share, {{"memory", "81Gi"}})),
              Fails(Code::failedPrecondition,
                    "the claim was given 81Gi memory of device gpu-1, of which a claim may have at most 80Gi"));
  EXPECT_OK(resolve(AllocationBuilder().device("gpu-1").share(share, {{"memory", "80Gi"}, {"unknown", "9"}})));
}

TEST_F(AllocationTest, APartitionHoldsItsPartOfTheGpu) {
  device::NodeContext node = inventory.node();
  node.gpuPartitions = 4;
  inventory = *device::Inventory::create(*device::Profile::embedded("gpu"), node);

  auto record = resolve(AllocationBuilder().device("gpu-1-partition-2"));

  EXPECT_THAT(envOf(record), Contains("GPU_DEVICE_1_PARTITION_2=gpu-1-partition-2"));
  EXPECT_THAT(record->held, ElementsAre(HeldDevice{.pool = "node-a",
                                                   .device = "gpu-1-partition-2",
                                                   .parent = "gpu-1",
                                                   .counters = {{"compute", base::Quantity::decimal(25)},
                                                                {"memory", base::Quantity::parse("20Gi").value()}}}));
}

TEST_F(AllocationTest, HostileNamesNeverReachTheEnvironmentOrAPath) {
  auto record = resolve(AllocationBuilder().device("gpu-1").share("x\nEVIL=1"));
  EXPECT_FALSE(record && cdi::validate(record->spec).ok()) << "a newline must not get into a CDI name";
}

}  // namespace
}  // namespace simgpu::claim
