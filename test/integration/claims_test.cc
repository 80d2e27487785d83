// The way of a claim, between the real program, a kubelet and an API server.

#include <csignal>
#include <fstream>
#include <future>

#include "integration/running_node.h"

namespace simgpu::integration {
namespace {

using fakes::AllocationBuilder;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ClaimsTest : public RunningNodeTest {};

TEST_F(ClaimsTest, AContainerGetsTheTutorialsEnvironmentForAllNineGpus) {
  AllocationBuilder all;
  for (int i = 0; i < 9; ++i) {
    all.device("gpu-" + std::to_string(i));
  }
  claim::ClaimRef ref = cluster.claim("example-resource-claim", all.build());

  auto devices = prepare(ref);

  ASSERT_OK(devices);
  ASSERT_THAT(*devices, SizeIs(9));
  auto environment = environmentOf(*devices);
  EXPECT_THAT(environment,
              AllOf(Contains("KUBERNETES_NODE_NAME=node-a"), Contains("DRA_RESOURCE_DRIVER_NAME=gpu.example.com")));
  for (int i = 0; i < 9; ++i) {
    std::string id = std::to_string(i);
    EXPECT_THAT(environment, Contains("GPU_DEVICE_" + id + "=gpu-" + id));
    EXPECT_THAT(environment, Contains("GPU_DEVICE_" + id + "_RESOURCE_CLAIM=" + ref.uid));
    EXPECT_THAT(environment, Contains("GPU_DEVICE_GPU_" + id + "_RESOURCE_CLAIM=" + ref.uid));
    EXPECT_THAT(environment, Contains("GPU_DEVICE_" + id + "_SHARING_STRATEGY=TimeSlicing"));
    EXPECT_THAT(environment, Contains("GPU_DEVICE_" + id + "_TIMESLICE_INTERVAL=Default"));
  }
  EXPECT_THAT(driverLog(), AllOf(HasSubstr("PrepareResourceClaims is called"),
                                 HasSubstr("Returning newly prepared devices for claim '" + ref.uid + "'")));
  EXPECT_OK(unprepare(ref));
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

TEST_F(ClaimsTest, TheStatusOfDevicesIsWrittenAlsoForWhatWasPreparedBeforeItWasAskedFor) {
  auto statusOf = [&](const std::string& name) {
    return (*api.get(fakes::Cluster::claimPath(name)))["status"].value("devices", nlohmann::json::array());
  };
  ASSERT_OK(prepare(claim("before", "gpu-3")));
  restart({"--gpu-device-status"});
  ASSERT_OK(prepare(claim("after", "gpu-4")));

  for (const char* name : {"before", "after"}) {
    EXPECT_TRUE(fakes::eventually([&] { return statusOf(name).size() == 1; })) << name << driverLog();
    EXPECT_THAT(statusOf(name).dump(), AllOf(HasSubstr("LATEST-GPU-MODEL"), HasSubstr("uuid"), HasSubstr("1.0.0")));
  }
}

TEST_F(ClaimsTest, ASecondPrepareAnswersTheSameAndWritesNothing) {
  claim::ClaimRef ref = claim("train", "gpu-3");
  auto first = prepare(ref);
  ASSERT_OK(first);
  auto before = files.info(specOf(ref));

  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  EXPECT_EQ(*files.info(specOf(ref)), *before);
}

TEST_F(ClaimsTest, EachPrepareReadsItsClaimOnceAndUnprepareAsksNothing) {
  ASSERT_TRUE(awaitDevices(9));
  claim::ClaimRef ref = claim("train", "gpu-3");
  auto reads = api.requests("GET", "resourceclaims");
  auto writes = [this] { return api.requests("POST") + api.requests("PUT") + api.requests("PATCH"); };
  auto before = writes();
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(prepare(ref));
    ASSERT_OK(unprepare(ref));
  }
  EXPECT_EQ(api.requests("GET", "resourceclaims"), reads + 5);
  EXPECT_EQ(writes(), before);
}

TEST_F(ClaimsTest, UnprepareSucceedsTwiceForUnknownClaimsAndWithoutAnApiServer) {
  claim::ClaimRef ref = claim("train", "gpu-3");
  ASSERT_OK(prepare(ref));
  stopApiServer();

  EXPECT_OK(unprepare(ref));
  EXPECT_OK(unprepare(ref));
  EXPECT_OK(unprepare({.space = "team-a", .name = "never", .uid = "never-seen"}));
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

TEST_F(ClaimsTest, WithoutAnApiServerAPreparedClaimIsAnsweredAndItComesBack) {
  claim::ClaimRef ref = claim("train", "gpu-3");
  claim::ClaimRef other = claim("other", "gpu-4");
  auto first = prepare(ref);
  ASSERT_OK(first);
  stopApiServer();
  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));

  startApiServer();
  EXPECT_OK(prepare(other));
}

TEST_F(ClaimsTest, OneBadClaimAmongGoodOnesFailsAlone) {
  claim::ClaimRef good = claim("good", "gpu-0");
  claim::ClaimRef bad = claim("bad", "gpu-99");
  auto answer = kubelet->prepare(kDriver, {{.space = good.space, .uid = good.uid, .name = good.name},
                                           {.space = bad.space, .uid = bad.uid, .name = bad.name}});

  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message(), HasSubstr("requested device is not allocatable: gpu-99"));
  EXPECT_TRUE(std::filesystem::exists(specOf(good)));
  EXPECT_FALSE(std::filesystem::exists(specOf(bad)));
}

TEST_F(ClaimsTest, AKilledDriverKnowsItsClaimsAfterwards) {
  claim::ClaimRef ref = claim("train", "gpu-3");
  auto first = prepare(ref);
  ASSERT_OK(first);

  stop(SIGKILL);
  run();

  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  EXPECT_OK(unprepare(ref));
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

TEST_F(ClaimsTest, AStoppedDriverLeavesItsClaimsAndTakesItsSockets) {
  claim::ClaimRef ref = claim("train", "gpu-3");
  ASSERT_OK(prepare(ref));

  driver->signal(SIGTERM);

  EXPECT_EQ(driver->wait(), 0);
  EXPECT_TRUE(std::filesystem::exists(specOf(ref)));
  EXPECT_TRUE(std::filesystem::is_empty(kubeletRoot / "plugins_registry"));
  EXPECT_FALSE(std::filesystem::exists(kubeletRoot / "plugins/gpu.example.com/dra.sock"));
  EXPECT_TRUE(kubelet->awaitPlugin(kDriver, false));
}

TEST_F(ClaimsTest, AnotherBootVoidsWhatWasPrepared) {
  claim::ClaimRef ref = claim("train", "gpu-3");
  ASSERT_OK(prepare(ref));
  std::ofstream(root / "boot-id") << "another-boot\n";

  restart({"--boot-id-file=" + (root / "boot-id").string()});

  EXPECT_THAT(cdiFiles(), IsEmpty());
  EXPECT_OK(prepare(ref));
}

TEST_F(ClaimsTest, AWipedDirectoryIsFilledAgainByTheNextPrepare) {
  claim::ClaimRef ref = claim("train", "gpu-3");
  auto first = prepare(ref);
  ASSERT_OK(first);
  std::filesystem::remove_all(cdiRoot);

  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  EXPECT_TRUE(std::filesystem::exists(specOf(ref)));
}

TEST_F(ClaimsTest, AWipeWhileTheDriverRunsIsUndoneForClaimsInUse) {
  claim::ClaimRef used = claim("used", "gpu-3");
  claim::ClaimRef ended = claim("ended", "gpu-4");
  cluster.reserve("used", "pod");
  auto first = prepare(used);
  ASSERT_OK(first);
  ASSERT_OK(prepare(ended));
  std::string spec = contentOf(specOf(used));

  std::filesystem::remove_all(cdiRoot);

  EXPECT_TRUE(fakes::eventually([&] { return contentOf(specOf(used)) == spec; }, std::chrono::seconds(30)))
      << driverLog();
  EXPECT_FALSE(std::filesystem::exists(specOf(ended)));
  EXPECT_THAT(prepare(used), IsOkAndHolds(*first));
  EXPECT_TRUE(fakes::eventually([&] { return !api.list("/api/v1/namespaces/team-a/events").empty(); })) << driverLog();
  EXPECT_EQ(api.list("/api/v1/namespaces/team-a/events").front()["reason"], "RestoredCDISpec");
}

TEST_F(ClaimsTest, AWipeWhileTheDriverIsDownIsUndoneForClaimsInUse) {
  claim::ClaimRef used = claim("used", "gpu-3");
  claim::ClaimRef unprepared = claim("unprepared", "gpu-4");
  cluster.reserve("used", "pod");
  ASSERT_OK(prepare(used));
  ASSERT_OK(prepare(unprepared));
  ASSERT_OK(unprepare(unprepared));
  std::string spec = contentOf(specOf(used));
  stop();
  std::filesystem::remove_all(cdiRoot);

  driver.emplace(startDriver());

  EXPECT_TRUE(fakes::eventually([&] { return contentOf(specOf(used)) == spec; })) << driverLog();
  EXPECT_THAT(cdiFiles(), SizeIs(1));
}

TEST_F(ClaimsTest, ADeviceGoesFromOneClaimToTheNextWithoutARefusal) {
  claim::ClaimRef first = claim("first", "gpu-0");
  claim::ClaimRef second = claim("second", "gpu-0");
  ASSERT_OK(prepare(first));

  auto waiting = std::async(std::launch::async, [&] { return prepare(second); });
  ASSERT_TRUE(fakes::eventually([&] { return driverLog().find("Waiting for a device") != std::string::npos; }));
  EXPECT_OK(unprepare(first));

  EXPECT_OK(waiting.get());
}

TEST_F(ClaimsTest, ManyClaimsAtOnceAreAllPrepared) {
  std::vector<std::future<Result<std::vector<standin::PreparedDevice>>>> running;
  for (int i = 0; i < 9; ++i) {
    claim::ClaimRef ref = claim("claim-" + std::to_string(i), "gpu-" + std::to_string(i));
    running.push_back(std::async(std::launch::async, [this, ref] { return prepare(ref); }));
  }
  for (auto& result : running) {
    EXPECT_OK(result.get());
  }
  EXPECT_THAT(cdiFiles(), SizeIs(9));
}

TEST_F(ClaimsTest, ClaimsOfTheReferenceDriverAreHonouredAndReleased) {
  claim::ClaimRef theirs = claim("theirs", "gpu-2");
  claim::ClaimRef ours = claim("ours", "gpu-2");
  std::ofstream(specOf(theirs)) << "---\ncdiVersion: 0.5.0\nkind: k8s.gpu.example.com/gpu\ndevices:\n    - name: "
                                << theirs.uid
                                << "-gpu-2\n      containerEdits:\n        env:\n            - GPU_DEVICE_2=gpu-2\n";
  auto waiting = std::async(std::launch::async, [&] { return prepare(ours); });
  EXPECT_TRUE(fakes::eventually([&] { return driverLog().find("Waiting for a device") != std::string::npos; }));

  EXPECT_OK(unprepare(theirs));

  EXPECT_FALSE(std::filesystem::exists(specOf(theirs)));
  EXPECT_OK(waiting.get());
}

TEST_F(ClaimsTest, EveryDeviceIsReportedHealthy) {
  EXPECT_TRUE(fakes::eventually([&] { return kubelet->health(kDriver).size() == 9; }));
  for (const auto& [device, health] : kubelet->health(kDriver)) {
    EXPECT_EQ(health.state, standin::DeviceHealth::State::healthy) << device;
  }
}

TEST_F(ClaimsTest, AClaimThatWaitsForADeviceLearnsFromAnEventWhoHasIt) {
  claim::ClaimRef first = claim("first", "gpu-1");
  claim::ClaimRef second = claim("second", "gpu-1");
  ASSERT_OK(prepare(first));

  auto refused = prepare(second);

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("in use by ResourceClaim team-a/first"));

  auto events = [this] { return api.list("/api/v1/namespaces/team-a/events"); };
  ASSERT_TRUE(fakes::eventually([&] { return events().size() == 1; })) << driverLog();
  auto event = events().front();
  EXPECT_EQ(event["involvedObject"]["uid"], second.uid);
  EXPECT_EQ(event["reason"], "DeviceInUse");
  EXPECT_THAT(event["message"].get<std::string>(), HasSubstr("in use by ResourceClaim team-a/first (UID " + first.uid));
}

}  // namespace
}  // namespace simgpu::integration
