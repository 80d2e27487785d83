// Calls that cross each other, several drivers on one node, and sockets: with the real program.

#include <atomic>
#include <future>
#include <sys/resource.h>

#include "integration/running_node.h"

namespace simgpu::integration {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kOldPod = "--pod-uid=11111111-0000-4000-8000-000000000001";
constexpr const char* kNewPod = "--pod-uid=22222222-0000-4000-8000-000000000002";

class ProcessesTest : public RunningNodeTest {
 protected:
  /// The number that the next file which the driver opens gets.
  rlim_t firstFreeDescriptor() const {
    std::filesystem::path open = "/proc/" + std::to_string(driver->pid()) + "/fd";
    rlim_t number = 0;
    while (std::filesystem::is_symlink(open / std::to_string(number))) {
      ++number;
    }
    return number;
  }
};

TEST_F(ProcessesTest, APrepareThatIsOvertakenByItsUnpreparePreparesNothing) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  std::promise<void> asked;
  std::promise<void> unprepared;
  std::atomic_flag read;
  api.intercept([&](const kube::HttpRequest& request) {
    if (request.target.find("resourceclaims/train") != std::string::npos && !read.test_and_set()) {
      asked.set_value();
      unprepared.get_future().wait_for(std::chrono::seconds(30));
    }
    return std::optional<kube::HttpResponse>();
  });

  auto late = std::async(std::launch::async, [&] { return prepare(ref); });
  asked.get_future().wait();
  EXPECT_OK(unprepare(ref));
  unprepared.set_value();

  EXPECT_THAT(late.get(), Fails(Code::internal, HasSubstr("the claim was unprepared meanwhile")));
  api.intercept({});
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

TEST_F(ProcessesTest, APrepareThatArrivesAfterItsClaimHasEndedIsRefused) {
  claim::ClaimRef deallocated = claim("deallocated", "gpu-0");
  claim::ClaimRef gone = claim("gone", "gpu-1");
  claim::ClaimRef replaced = claim("replaced", "gpu-2");
  for (const claim::ClaimRef& ref : {deallocated, gone, replaced}) {
    ASSERT_OK(prepare(ref));
    ASSERT_OK(unprepare(ref));
  }
  cluster.reallocate("deallocated", nullptr);
  cluster.deleteClaim("gone");
  cluster.deleteClaim("replaced");
  claim::ClaimRef successor = claim("replaced", "gpu-2");

  EXPECT_THAT(prepare(deallocated), Fails(Code::internal, HasSubstr("claim team-a/deallocated not allocated")));
  EXPECT_THAT(prepare(gone), Fails(Code::internal, HasSubstr("404 Not Found")));
  EXPECT_THAT(prepare(replaced), Fails(Code::internal, HasSubstr("claim team-a/replaced got replaced: expected UID " +
                                                                 replaced.uid + ", found " + successor.uid)));
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

TEST_F(ProcessesTest, OfPrepareAndUnprepareAtOnceOneIsTheLast) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  for (int round = 0; round < 40; ++round) {
    auto preparing = std::async(std::launch::async, [&] { return prepare(ref); });
    auto unpreparing = std::async(std::launch::async, [&] { return unprepare(ref); });
    auto prepared = preparing.get();
    EXPECT_OK(unpreparing.get());

    EXPECT_THAT(prepared, AnyOf(IsOk(), Fails(Code::internal, HasSubstr("the claim was unprepared meanwhile"))));
    auto files = cdiFiles();
    if (prepared) {
      EXPECT_THAT(files, AnyOf(IsEmpty(), SizeIs(1)));
    } else {
      EXPECT_THAT(files, IsEmpty());
    }
  }
  EXPECT_OK(unprepare(ref));
  EXPECT_THAT(cdiFiles(), IsEmpty());
  EXPECT_OK(prepare(ref));
}

TEST_F(ProcessesTest, AForceDeletedClaimKeepsItsDeviceUntilTheKubeletUnpreparesIt) {
  claim::ClaimRef deleted = claim("deleted", "gpu-0");
  ASSERT_OK(prepare(deleted));
  cluster.deleteClaim("deleted");
  claim::ClaimRef next = claim("next", "gpu-0");

  auto waiting = std::async(std::launch::async, [&] { return prepare(next); });
  EXPECT_TRUE(logs("Waiting for a device that another claim has"));
  EXPECT_TRUE(std::filesystem::exists(specOf(deleted)));
  EXPECT_FALSE(std::filesystem::exists(specOf(next)));
  EXPECT_OK(unprepare(deleted));

  EXPECT_OK(waiting.get());
  EXPECT_FALSE(std::filesystem::exists(specOf(deleted)));
}

TEST_F(ProcessesTest, AnotherDriverOfTheClaimThatFailsIsNoneOfItsBusiness) {
  constexpr const char* kOther = "other.example.com";
  DaemonProcess other = startDriver({std::string("--driver-name=") + kOther});
  ASSERT_TRUE(kubelet->awaitPlugin(kOther)) << driverLog();
  claim::ClaimRef ref = cluster.claim(
      "both", fakes::AllocationBuilder().device("gpu-0").device("gpu-99", "gpu", "node-a", kOther).build());
  const std::vector<standin::PluginClaim> both = {{.space = ref.space, .uid = ref.uid, .name = ref.name}};

  auto ours = prepare(ref);
  auto theirs = kubelet->prepare(kOther, both);

  ASSERT_OK(ours);
  EXPECT_THAT(*ours, ElementsAre(testing::Field(&standin::PreparedDevice::device, "gpu-0")));
  ASSERT_FALSE(theirs);
  EXPECT_THAT(theirs.error().message(), HasSubstr("requested device is not allocatable: gpu-99"));
  EXPECT_OK(kubelet->unprepare(kOther, both));
  EXPECT_THAT(cdiFiles(), ElementsAre(specOf(ref).filename()));
  EXPECT_OK(unprepare(ref));
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

TEST_F(ProcessesTest, WithoutFileDescriptorsNothingIsPreparedAndNothingForgotten) {
  claim::ClaimRef known = claim("known", "gpu-0");
  auto before = prepare(known);
  ASSERT_OK(before);
  ASSERT_TRUE(awaitDevices(9));
  ASSERT_TRUE(fakes::eventually([&] { return api.requests("WATCH") > 0; }));
  rlimit limits{};
  ASSERT_EQ(::prlimit(driver->pid(), RLIMIT_NOFILE, nullptr, &limits), 0);
  rlimit none = {.rlim_cur = firstFreeDescriptor(), .rlim_max = limits.rlim_max};
  ASSERT_EQ(::prlimit(driver->pid(), RLIMIT_NOFILE, &none, nullptr), 0);

  EXPECT_THAT(prepare(claim("fresh", "gpu-1")), Fails(Code::internal, HasSubstr("Too many open files")));
  EXPECT_THAT(prepare(claim("rival", "gpu-0")), Fails(Code::internal, HasSubstr("Too many open files")));

  ASSERT_EQ(::prlimit(driver->pid(), RLIMIT_NOFILE, &limits, nullptr), 0);
  EXPECT_THAT(prepare(known), IsOkAndHolds(*before));
  EXPECT_OK(unprepare(known));
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

/// Two of them, as during a rolling update.
class TwoDriversTest : public RunningNodeTest {
 protected:
  void SetUp() override {
    startKubelet();
    run({kOldPod});
    first = prepare(held);
    ASSERT_OK(first);
    fresh.emplace(startDriver({"-v=2", kNewPod}));
    ASSERT_TRUE(logs("waiting for its end")) << driverLog();
    // The kubelet calls the one that registered last.
    ASSERT_TRUE(fakes::eventually([&] { return kubeletLog.count("Registered DRA plugin") == 2; }));
    ASSERT_TRUE(fakes::eventually([&] { return prepare(held).has_value(); }));
  }

  const claim::ClaimRef held = claim("held", "gpu-0");
  Result<std::vector<standin::PreparedDevice>> first;
  std::optional<DaemonProcess> fresh;
};

TEST_F(TwoDriversTest, TheSecondAnswersForgetsAndHoldsWhatTheFirstPrepared) {
  EXPECT_THAT(prepare(held), IsOkAndHolds(*first));
  claim::ClaimRef rival = claim("rival", "gpu-0");
  auto waiting = std::async(std::launch::async, [&] { return prepare(rival); });
  EXPECT_TRUE(logs("Waiting for a device that another claim has"));

  EXPECT_OK(unprepare(held));

  EXPECT_OK(waiting.get());
  EXPECT_THAT(cdiFiles(), SizeIs(1));
}

TEST_F(TwoDriversTest, IfTheNewOneDiesTheOldOneKnowsWhatItDid) {
  claim::ClaimRef byNew = claim("by-new", "gpu-1");
  auto answer = prepare(byNew);
  ASSERT_OK(answer);
  ASSERT_OK(unprepare(held));

  fresh->signal(SIGKILL);
  ASSERT_TRUE(fresh->wait());

  ASSERT_TRUE(fakes::eventually([&] { return prepare(byNew).has_value(); })) << driverLog();
  EXPECT_THAT(prepare(byNew), IsOkAndHolds(*answer));
  EXPECT_OK(prepare(claim("next", "gpu-0"))) << "which the new one had unprepared";
  EXPECT_OK(unprepare(byNew));
  EXPECT_TRUE(awaitDevices(9)) << driverLog();
}

TEST_F(TwoDriversTest, IfTheOldOneDiesTheNewOneGoesOnAndPublishes) {
  stop(SIGKILL);

  EXPECT_TRUE(logs("Publishing the ResourceSlices of this node from now on")) << driverLog();
  EXPECT_THAT(prepare(held), IsOkAndHolds(*first));
  EXPECT_OK(unprepare(held));
  EXPECT_THAT(cdiFiles(), IsEmpty());
  ASSERT_OK(api.remove(std::string(kSlices) + "/" + slices().front()["metadata"]["name"].get<std::string>()));
  EXPECT_TRUE(awaitDevices(9)) << driverLog();
}

/// The driver is started by the test, with directories of a chosen length.
class SocketLengthTest : public NodeTest {
 protected:
  /// The plugins directory with which the path of the DRA socket has that many bytes.
  std::filesystem::path pluginsFor(std::size_t bytes) const {
    std::size_t rest = (root / "gpu.example.com/dra.sock").native().size() + 1;
    return root / std::string(bytes - rest, 'p');
  }
};

TEST_F(SocketLengthTest, OneOf107BytesIsServed) {
  auto plugins = pluginsFor(107);
  ASSERT_EQ((plugins / "gpu.example.com/dra.sock").native().size(), 107u);
  startKubelet();
  DaemonProcess driver = startDriver({"--kubelet-plugins-directory-path=" + plugins.string()});

  ASSERT_TRUE(kubelet->awaitPlugin(kDriver)) << driverLog();
  claim::ClaimRef ref = cluster.claim("train", fakes::AllocationBuilder().device("gpu-0").build());
  EXPECT_OK(prepare(ref));
}

TEST_F(SocketLengthTest, OneOf108BytesIsRefusedNamingPathAndFlag) {
  auto plugins = pluginsFor(108);
  auto arguments = driverArguments();
  arguments.push_back("--kubelet-plugins-directory-path=" + plugins.string());

  EXPECT_THAT(runToEnd(arguments),
              testing::Pair(1, testing::AllOf(HasSubstr((plugins / "gpu.example.com/dra.sock").string()),
                                              HasSubstr("has 108 bytes, but a unix socket path has at most 107"),
                                              HasSubstr("--kubelet-plugins-directory-path"))));
}

TEST_F(ProcessesTest, ConnectionsThatBothPeersClosedWhileIdleAreMadeAnew) {
  ASSERT_TRUE(awaitDevices(9));
  claim::ClaimRef before = claim("before", "gpu-0");
  ASSERT_OK(prepare(before));
  auto reads = api.requests("GET", "resourceclaims/");

  for (int i = 1; i <= 3; ++i) {
    http->closeConnections();
    kubelet.reset();
    startKubelet();
    ASSERT_TRUE(kubelet->awaitPlugin(kDriver));
    EXPECT_OK(prepare(claim("after-" + std::to_string(i), "gpu-" + std::to_string(i))));
  }

  EXPECT_EQ(api.requests("GET", "resourceclaims/"), reads + 3) << "each at the first attempt";
  EXPECT_TRUE(awaitDevices(9)) << "a kubelet that starts wipes them";
}

}  // namespace
}  // namespace simgpu::integration
