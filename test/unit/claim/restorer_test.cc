#include "simgpu/claim/restorer.h"

#include "unit/claim/preparer_fixture.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;
using fakes::AllocationBuilder;
using testing::IsEmpty;
using testing::SizeIs;

class RestorerTest : public PreparerFixture {
 protected:
  RestorerTest() : PreparerFixture(false) {}

  /// As after a start of the daemon, before the restorer runs.
  void reopen() {
    restorer.reset();
    open(false);
  }

  void start() {
    restorer = std::make_unique<Restorer>(*store, *preparer, inventory, api, clock, random, events, log);
    ASSERT_TRUE(clock.awaitWaiters());
  }

  /// Lets the restorer look again.
  void pass(base::Clock::Duration duration = 5s) {
    ASSERT_TRUE(clock.awaitWaiters());
    clock.advance(duration);
    ASSERT_TRUE(clock.awaitWaiters());
  }

  ClaimRef prepared(std::string_view name, std::string_view device) {
    ClaimRef ref = claim(name, device);
    cluster.reserve(name, "pod-of-" + std::string(name));
    EXPECT_OK(prepare(ref));
    return ref;
  }

  static std::string fileOf(const ClaimRef& claim) { return "k8s.gpu.example.com-gpu_" + claim.uid + ".yaml"; }

  std::unique_ptr<Restorer> restorer;
};

TEST_F(RestorerTest, AnIdleNodeAsksNothing) {
  prepared("train", "gpu-0");
  start();
  auto requests = server.requests();
  for (int i = 0; i < 20; ++i) {
    pass(1min);
  }
  EXPECT_EQ(server.requests(), requests);
}

TEST_F(RestorerTest, AWipeWhileRunningIsUndoneWithinSecondsAndTold) {
  ClaimRef first = prepared("first", "gpu-0");
  ClaimRef second = prepared("second", "gpu-1");
  std::string spec = files.content(kRoot / fileOf(first));
  start();
  files.wipe(kRoot);

  pass();

  EXPECT_EQ(files.content(kRoot / fileOf(first)), spec);
  EXPECT_THAT(files.names(kRoot), SizeIs(2));
  EXPECT_THAT(events.all(), SizeIs(2));
  EXPECT_EQ(events.all().front().reason, "RestoredCDISpec");
  EXPECT_GT(sink.count("Restored a CDI spec that somebody deleted"), 0u);
}

TEST_F(RestorerTest, AClaimThatNobodyNeedsAnyMoreIsNotRestored) {
  ClaimRef gone = prepared("gone", "gpu-0");
  ClaimRef free = prepared("free", "gpu-1");
  ClaimRef released = prepared("released", "gpu-2");
  start();
  cluster.deleteClaim("gone");
  cluster.reserve("free", "");
  cluster.reserve("released", "");
  cluster.reallocate("released", nullptr);
  files.wipe(kRoot);

  pass();

  EXPECT_THAT(files.names(kRoot), IsEmpty());
  auto requests = server.requests();
  pass(10min);
  EXPECT_EQ(server.requests(), requests) << "that is settled";
}

TEST_F(RestorerTest, WithoutTheApiServerItTriesAgainUntilItAnswers) {
  ClaimRef claim = prepared("train", "gpu-0");
  start();
  server.intercept([](const kube::HttpRequest&) { return kube::HttpResponse{.status = 503, .body = "{}"}; });
  files.wipe(kRoot);
  pass();
  EXPECT_THAT(files.names(kRoot), IsEmpty());
  EXPECT_GT(sink.count("Cannot restore a CDI spec that somebody deleted"), 0u);

  server.intercept(nullptr);
  pass(5min);

  EXPECT_THAT(files.names(kRoot), testing::ElementsAre(fileOf(claim)));
}

TEST_F(RestorerTest, AnUnprepareWhileTheClaimIsReadWins) {
  ClaimRef claim = prepared("train", "gpu-0");
  start();
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    if (request.method == "GET") {
      EXPECT_OK(unprepare(claim));
    }
    return std::nullopt;
  });
  files.wipe(kRoot);
  pass();
  server.intercept(nullptr);
  pass(10min);
  EXPECT_THAT(files.names(kRoot), IsEmpty());
  EXPECT_THAT(events.all(), IsEmpty());
}

TEST_F(RestorerTest, AWipeWhileTheDriverWasDownIsUndoneFromTheListOfClaims) {
  ClaimRef claim = prepared("train", "gpu-0");
  cluster.claim("other-node", AllocationBuilder().device("gpu-1", "gpu", "node-b").build());
  cluster.reserve("other-node", "pod");
  cluster.claim("unreserved", AllocationBuilder().device("gpu-2").build());
  std::string spec = files.content(kRoot / fileOf(claim));
  files.wipe(kRoot);
  reopen();

  start();

  EXPECT_THAT(files.names(kRoot), testing::ElementsAre(fileOf(claim)));
  EXPECT_EQ(files.content(kRoot / fileOf(claim)), spec);
  EXPECT_THAT(events.all(), SizeIs(1));
  auto requests = server.requests();
  pass(10min);
  EXPECT_EQ(server.requests(), requests);
}

TEST_F(RestorerTest, AClaimThatCannotBeRestoredIsTriedAgainWithoutAnotherList) {
  ClaimRef bad = cluster.claim("bad", AllocationBuilder().device("gpu-99").build());
  cluster.reserve("bad", "pod");
  ClaimRef good = prepared("good", "gpu-0");
  files.wipe(kRoot);
  reopen();
  start();
  EXPECT_THAT(files.names(kRoot), testing::ElementsAre(fileOf(good)));
  EXPECT_GT(sink.count("requested device is not allocatable: gpu-99"), 0u);
  auto lists = server.requests("GET", "/resourceclaims") - server.requests("GET", "/namespaces/");

  for (int i = 0; i < 10; ++i) {
    pass(5min);
  }

  EXPECT_EQ(server.requests("GET", "/resourceclaims") - server.requests("GET", "/namespaces/"), lists);
  EXPECT_OK(unprepare(bad));
  auto requests = server.requests();
  pass(10min);
  EXPECT_EQ(server.requests(), requests);
}

TEST_F(RestorerTest, ANormalStartListsNothing) {
  prepared("train", "gpu-0");
  reopen();
  auto requests = server.requests();
  start();
  EXPECT_EQ(server.requests(), requests);
}

TEST_F(RestorerTest, WithoutTheRightToListItSaysSoOnce) {
  prepared("train", "gpu-0");
  files.wipe(kRoot);
  reopen();
  server.intercept([](const kube::HttpRequest&) {
    return kube::HttpResponse{.status = 403,
                              .body = R"({"kind":"Status","message":"no","reason":"Forbidden","code":403})"};
  });
  start();
  EXPECT_EQ(sink.count("on resourceclaims"), 1u);
  auto requests = server.requests();
  pass(10min);
  EXPECT_EQ(server.requests(), requests);
}

TEST_F(RestorerTest, AListThatFailsIsReadAgain) {
  ClaimRef claim = prepared("train", "gpu-0");
  files.wipe(kRoot);
  reopen();
  server.intercept([](const kube::HttpRequest&) { return kube::HttpResponse{.status = 500, .body = "{}"}; });
  start();
  EXPECT_THAT(files.names(kRoot), IsEmpty());
  server.intercept(nullptr);
  pass(5min);
  EXPECT_THAT(files.names(kRoot), testing::ElementsAre(fileOf(claim)));
}

TEST_F(RestorerTest, ADeviceThatAnotherClaimGotMeanwhileIsNotTakenAway) {
  ClaimRef first = prepared("first", "gpu-0");
  start();
  files.wipe(kRoot);
  ClaimRef second = prepared("second", "gpu-0");
  pass();
  EXPECT_THAT(files.names(kRoot), testing::ElementsAre(fileOf(second)));
  EXPECT_GT(sink.count("is in use by ResourceClaim team-a/second"), 0u);

  EXPECT_OK(unprepare(second));
  pass(5min);
  EXPECT_THAT(files.names(kRoot), testing::ElementsAre(fileOf(first)));
}

}  // namespace
}  // namespace simgpu::claim
