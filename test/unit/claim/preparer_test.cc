#include "simgpu/claim/preparer.h"

#include <future>

#include "fakes/cluster.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/fixed_random.h"
#include "fakes/memory_log.h"
#include "fakes/recorded_events.h"
#include "fakes/result_matchers.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;
using fakes::AllocationBuilder;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::filesystem::path kRoot = "/var/run/cdi";

kube::HttpResponse answer(int status, std::string body = "{}") {
  return {.status = status, .body = std::move(body)};
}

class PreparerTest : public testing::Test {
 protected:
  PreparerTest()
      : inventory(*device::Inventory::create(*device::Profile::embedded("gpu"),
                                             {.nodeName = "node-a", .driverName = "gpu.example.com"})) {
    EXPECT_OK(files.createDirectories("/plugins", 0750));
    start();
  }

  /// As after a restart of the daemon: everything anew but files and API server.
  void start(const std::string& bootId = "boot-1") {
    preparer.reset();
    store = *Store::open({.naming = {.driverName = "gpu.example.com", .cdiClass = "gpu"},
                          .cdiRoot = kRoot,
                          .lockFile = "/plugins/serialize.lock",
                          .bootId = bootId},
                         files, clock, instruments, log);
    preparer = std::make_unique<Preparer>(
        inventory, *store, api, clock, random,
        Preparer::Listeners{
            .blockedBy = [this](const ClaimRef& holder) { blockers.push_back(holder.uid); },
            .prepared = [this](const kube::ResourceClaim& claim) { announced.push_back(claim.metadata.name); }},
        events, instruments, log);
  }

  Result<PreparedClaim> prepare(const ClaimRef& claim) {
    auto results = preparer->prepare({&claim, 1}, {});
    EXPECT_THAT(results, SizeIs(1));
    return std::move(results.front());
  }

  Status unprepare(const ClaimRef& claim) { return preparer->unprepare({&claim, 1}, {}).front(); }

  std::size_t reads() const { return server.requests("GET", "resourceclaims"); }

  /// Advances the clock as soon as somebody waits, until `done` is ready.
  template <typename T>
  void passTime(std::future<T>& done) {
    while (done.wait_for(0s) != std::future_status::ready) {
      if (clock.awaitWaiters(1, 10s, 10ms)) {
        clock.advance(100ms);
      }
    }
  }

  fakes::FakeClock clock;
  fakes::FakeFiles files;
  fakes::FixedRandom random;
  fakes::MemoryLog sink;
  base::Logger log{sink, clock, {}};
  standin::ApiServer server{clock};
  fakes::Cluster cluster{server};
  std::unique_ptr<kube::Transport> transport = server.transport();
  kube::Client api{*transport, clock, {.qps = 0}, log};
  device::Inventory inventory;
  metrics::Registry registry;
  Instruments instruments{registry};
  fakes::RecordedEvents events;
  std::vector<std::string> blockers;
  std::vector<std::string> announced;
  std::unique_ptr<Store> store;
  std::unique_ptr<Preparer> preparer;
};

TEST_F(PreparerTest, AClaimThatIsMissingUnallocatedOrReplacedIsRefusedWithItsName) {
  ClaimRef missing{.space = "team-a", .name = "nothing", .uid = "u-1"};
  EXPECT_THAT(prepare(missing), Fails(Code::notFound, HasSubstr("team-a/nothing")));

  ClaimRef pending = cluster.claim("pending");
  EXPECT_THAT(prepare(pending), Fails(Code::failedPrecondition, "claim team-a/pending not allocated"));

  ClaimRef replaced = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  replaced.uid = "another-uid";
  EXPECT_THAT(prepare(replaced),
              Fails(Code::notFound, HasSubstr("claim team-a/train got replaced: expected UID another-uid")));
  EXPECT_THAT(files.names(kRoot), IsEmpty());
}

TEST_F(PreparerTest, ADeviceThatDoesNotExistIsRefused) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-99").build());
  EXPECT_THAT(prepare(claim), Fails(Code::notFound, "prepare failed: requested device is not allocatable: gpu-99"));
}

TEST_F(PreparerTest, AReferenceThatCannotBeAClaimIsRefusedWithoutARead) {
  for (const ClaimRef& claim :
       {ClaimRef{.space = "a", .name = "b", .uid = "../../etc/passwd"}, ClaimRef{.space = "a", .name = "b", .uid = ""},
        ClaimRef{.space = "", .name = "b", .uid = "u-1"}}) {
    EXPECT_EQ(prepare(claim).error().code(), Code::invalidArgument);
    EXPECT_OK(unprepare(claim));
  }
  EXPECT_EQ(reads(), 0u);
}

TEST_F(PreparerTest, APreparedClaimIsOneReadAndOneFile) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  auto writes = files.writes();

  ASSERT_OK(prepare(claim));

  EXPECT_EQ(reads(), 1u);
  EXPECT_EQ(files.writes() - writes, 2u) << "the temporary file and its rename";
  EXPECT_THAT(files.names(kRoot), ElementsAre("k8s.gpu.example.com-gpu_" + claim.uid + ".yaml"));
}

TEST_F(PreparerTest, AtAHighVerbosityTheLogSaysWhereTheTimeWent) {
  log = base::Logger(sink, clock, {.verbosity = 6});
  start();
  ASSERT_OK(prepare(cluster.claim("train", AllocationBuilder().device("gpu-0").build())));
  EXPECT_THAT(sink.lines(), Contains(HasSubstr("milliseconds\" read=0 resolve=0 commit=0 total=0 uid=")));
}

TEST_F(PreparerTest, ASecondPrepareOfTheSameClaimAnswersTheSameAndWritesNothing) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  auto first = prepare(claim);
  ASSERT_OK(first);
  auto writes = files.writes();

  EXPECT_THAT(prepare(claim), IsOkAndHolds(*first));
  start();
  EXPECT_THAT(prepare(claim), IsOkAndHolds(*first)) << "after a restart, too";
  EXPECT_EQ(files.writes(), writes + 2) << "the restart has probed the directory, and that is all";
}

TEST_F(PreparerTest, AClaimThatWasAllocatedAnewIsPreparedAnew) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  ASSERT_OK(prepare(claim));
  cluster.reallocate("train", AllocationBuilder().device("gpu-1").build());

  auto again = prepare(claim);

  ASSERT_OK(again);
  EXPECT_EQ(again->devices.front().device, "gpu-1");
  ClaimRef other = cluster.claim("other", AllocationBuilder().device("gpu-0").build());
  EXPECT_OK(prepare(other)) << "gpu-0 is free again";
}

TEST_F(PreparerTest, AnotherBootPreparesAnew) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  ASSERT_OK(prepare(claim));
  start("boot-2");
  EXPECT_THAT(files.names(kRoot), IsEmpty());
  EXPECT_OK(prepare(claim));
}

TEST_F(PreparerTest, UnprepareIsSuccessTwiceForUnknownClaimsAndWithoutTheApiServer) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  ASSERT_OK(prepare(claim));
  server.intercept([](const kube::HttpRequest&) { return answer(503); });
  auto requests = server.requests();

  EXPECT_OK(unprepare(claim));
  EXPECT_OK(unprepare(claim));
  EXPECT_OK(unprepare({.space = "x", .name = "y", .uid = "never-seen"}));

  EXPECT_THAT(files.names(kRoot), IsEmpty());
  EXPECT_EQ(server.requests(), requests);
}

TEST_F(PreparerTest, OneBadClaimAmongGoodOnesFailsAlone) {
  std::vector<ClaimRef> claims = {cluster.claim("good", AllocationBuilder().device("gpu-0").build()),
                                  cluster.claim("bad", AllocationBuilder().device("gpu-77").build()),
                                  {.space = "team-a", .name = "missing", .uid = "u-9"},
                                  cluster.claim("fine", AllocationBuilder().device("gpu-1").build())};

  auto results = preparer->prepare(claims, {});

  ASSERT_THAT(results, SizeIs(4));
  EXPECT_OK(results[0]);
  EXPECT_EQ(results[1].error().code(), Code::notFound);
  EXPECT_EQ(results[2].error().code(), Code::notFound);
  EXPECT_OK(results[3]);
}

TEST_F(PreparerTest, WhileTheApiServerFailsARecordOfThisBootIsTheAnswer) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  auto first = prepare(claim);
  ASSERT_OK(first);
  server.intercept([](const kube::HttpRequest&) { return answer(500); });
  EXPECT_THAT(prepare(claim), IsOkAndHolds(*first));
}

TEST_F(PreparerTest, AForbiddenReadIsAnErrorEvenForAPreparedClaim) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  ASSERT_OK(prepare(claim));
  server.intercept([](const kube::HttpRequest&) {
    return answer(403, R"({"kind":"Status","message":"no","reason":"Forbidden","code":403})");
  });
  EXPECT_THAT(prepare(claim), Fails(Code::permissionDenied, HasSubstr("403")));
}

TEST_F(PreparerTest, AReadThatFailsForAWhileIsRepeatedUntilItSucceeds) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  std::atomic<int> failures = 3;
  server.intercept(
      [&](const kube::HttpRequest&) { return failures-- > 0 ? std::optional(answer(503)) : std::nullopt; });

  auto result = std::async(std::launch::async, [&] { return prepare(claim); });
  passTime(result);

  EXPECT_OK(result.get());
}

TEST_F(PreparerTest, AReadThatKeepsFailingIsReportedBeforeTheKubeletGivesUp) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  server.intercept([](const kube::HttpRequest&) { return answer(500); });
  auto began = clock.now();

  auto result = std::async(
      std::launch::async, [&] { return std::move(preparer->prepare({&claim, 1}, {.deadline = began + 45s}).front()); });
  passTime(result);

  EXPECT_THAT(result.get(), Fails(Code::unavailable, HasSubstr("500")));
  EXPECT_LT(clock.now() - began, 45s);
  EXPECT_GT(clock.now() - began, 20s);
  EXPECT_LT(reads(), 30u) << "no busy loop";
}

TEST_F(PreparerTest, TheCallerIsToldOnceThatTheReadsAreUnderWay) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  ClaimRef none{.space = "a", .name = "b", .uid = ""};
  std::atomic<int> failures = 2;
  server.intercept(
      [&](const kube::HttpRequest&) { return failures-- > 0 ? std::optional(answer(503)) : std::nullopt; });
  int told = 0;
  const CallContext call{.underWay = [&] { ++told; }};

  EXPECT_FALSE(preparer->prepare({&none, 1}, call).front()) << "there is nothing to read";
  EXPECT_EQ(told, 1);

  auto result = std::async(std::launch::async, [&] { return std::move(preparer->prepare({&claim, 1}, call).front()); });
  passTime(result);

  EXPECT_OK(result.get());
  EXPECT_EQ(told, 2) << "however often the claim is read";
}

TEST_F(PreparerTest, RetryAfterIsObeyed) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  std::atomic<int> failures = 1;
  server.intercept([&](const kube::HttpRequest&) -> std::optional<kube::HttpResponse> {
    if (failures-- > 0) {
      return kube::HttpResponse{.status = 429, .body = "Too many requests", .retryAfter = 7s};
    }
    return std::nullopt;
  });
  auto began = clock.now();

  auto result = std::async(std::launch::async, [&] { return prepare(claim); });
  passTime(result);

  EXPECT_OK(result.get());
  EXPECT_GE(clock.now() - began, 7s);
}

TEST_F(PreparerTest, ADeviceOfAnotherClaimIsWaitedForAndTakenWhenItIsReleased) {
  ClaimRef first = cluster.claim("first", AllocationBuilder().device("gpu-0").build());
  ClaimRef second = cluster.claim("second", AllocationBuilder().device("gpu-0").build());
  ASSERT_OK(prepare(first));

  auto result = std::async(std::launch::async, [&] { return prepare(second); });
  ASSERT_TRUE(clock.awaitWaiters());
  ASSERT_OK(unprepare(first));

  EXPECT_OK(result.get());
  EXPECT_THAT(blockers, IsEmpty());
  EXPECT_THAT(events.all(), IsEmpty());
}

TEST_F(PreparerTest, ADeviceThatStaysHeldIsRefusedNamingTheHolderWhoIsThenLookedAt) {
  ClaimRef first = cluster.claim("first", AllocationBuilder().device("gpu-0").build());
  ClaimRef second = cluster.claim("second", AllocationBuilder().device("gpu-0").build());
  ASSERT_OK(prepare(first));
  cluster.deleteClaim("first");  // force-deleted: its container may still run
  auto began = clock.now();

  auto result = std::async(std::launch::async, [&] { return prepare(second); });
  passTime(result);

  EXPECT_THAT(result.get(), Fails(Code::failedPrecondition, HasSubstr("in use by ResourceClaim team-a/first")));
  EXPECT_GE(clock.now() - began, 5s);
  EXPECT_LT(clock.now() - began, 10s);
  EXPECT_THAT(blockers, ElementsAre(first.uid));
  EXPECT_OK(store->find(first.uid));
  ASSERT_THAT(events.all(), SizeIs(1));
  EXPECT_EQ(events.all()[0].about.uid, second.uid);
  EXPECT_EQ(events.all()[0].reason, "DeviceInUse");
  EXPECT_THAT(events.all()[0].message, HasSubstr("Device gpu-0 on node node-a is still in use by ResourceClaim "
                                                 "team-a/first (UID " +
                                                 first.uid + ")"));
}

TEST_F(PreparerTest, ADamagedSpecIsWrittenAnewAndTheClaimsUsersAreTold) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  ASSERT_OK(prepare(claim));
  auto before = files.content(kRoot / store->options().naming.fileName(claim.uid));
  files.put(kRoot / store->options().naming.fileName(claim.uid), "{");
  start();

  ASSERT_OK(prepare(claim));
  ASSERT_OK(prepare(claim));

  EXPECT_EQ(files.content(kRoot / store->options().naming.fileName(claim.uid)), before);
  ASSERT_THAT(events.all(), SizeIs(1));
  EXPECT_EQ(events.all()[0].about.name, "train");
  EXPECT_EQ(events.all()[0].reason, "RestoredDamagedCDISpec");
}

TEST_F(PreparerTest, AdminAccessNeedsNotWait) {
  ClaimRef first = cluster.claim("first", AllocationBuilder().device("gpu-0").build());
  ClaimRef admin = cluster.claim("admin", AllocationBuilder().device("gpu-0").admin().build());
  ASSERT_OK(prepare(first));
  EXPECT_OK(prepare(admin));
}

TEST_F(PreparerTest, AnExpiredCallCommitsNothing) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  auto results = preparer->prepare({&claim, 1}, {.cancelled = [] { return true; }});
  EXPECT_THAT(results.front(), Fails(Code::cancelled, testing::_));
  EXPECT_THAT(files.names(kRoot), IsEmpty());
}

TEST_F(PreparerTest, AnUnprepareDuringTheReadWins) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    if (request.method == "GET") {
      EXPECT_OK(unprepare(claim));
    }
    return std::nullopt;
  });
  EXPECT_THAT(prepare(claim), Fails(Code::cancelled, HasSubstr("unprepared meanwhile")));
  EXPECT_THAT(files.names(kRoot), IsEmpty());
}

TEST_F(PreparerTest, ManyCallersPreparingTheSameClaimGetOneAnswer) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  std::vector<std::future<Result<PreparedClaim>>> callers;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::async(std::launch::async, [&] { return prepare(claim); }));
  }
  auto first = callers.front().get();
  ASSERT_OK(first);
  for (std::size_t i = 1; i < callers.size(); ++i) {
    EXPECT_THAT(callers[i].get(), IsOkAndHolds(*first));
  }
  EXPECT_THAT(files.names(kRoot), SizeIs(1));
}

TEST_F(PreparerTest, MalformedAnswersOfTheApiServerAreErrorsOfThatClaim) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  for (const char* body :
       {"", "{", "[]", R"({"metadata":[]})", R"({"status":{"allocation":{"devices":{"results":7}}}})"}) {
    server.intercept([&](const kube::HttpRequest&) { return answer(200, body); });
    EXPECT_FALSE(prepare(claim).has_value()) << body;
  }
}

TEST_F(PreparerTest, EachPrepareThatSucceedsAnnouncesTheClaimAndNoOther) {
  ClaimRef claim = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  ClaimRef bad = cluster.claim("bad", AllocationBuilder().device("gpu-99").build());

  ASSERT_OK(prepare(claim));
  ASSERT_OK(prepare(claim));
  ASSERT_FALSE(prepare(bad));

  EXPECT_THAT(announced, ElementsAre("train", "train"));
}

}  // namespace
}  // namespace simgpu::claim
