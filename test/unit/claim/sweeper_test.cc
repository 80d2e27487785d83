#include "simgpu/claim/sweeper.h"

#include "fakes/cluster.h"
#include "fakes/eventually.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/fixed_random.h"
#include "fakes/memory_log.h"
#include "fakes/recorded_events.h"
#include "fakes/result_matchers.h"
#include "fakes/silent_transport.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;
using fakes::eventually;

class SweeperTest : public testing::Test {
 protected:
  SweeperTest() {
    EXPECT_OK(files.createDirectories("/plugins", 0750));
    store = *Store::open({.naming = naming, .cdiRoot = "/var/run/cdi", .lockFile = "/plugins/lock", .bootId = "boot-1"},
                         files, clock, instruments, log);
  }

  /// A claim that is allocated and prepared.
  ClaimRef prepared(const std::string& name) {
    std::string device = "gpu-" + name;
    ClaimRef claim = cluster.claim(name, fakes::AllocationBuilder().device(device).build());
    PreparedClaim prepared{.claim = claim,
                           .devices = {{.requests = {"gpu"}, .pool = "node-a", .device = device, .cdiIds = {"x"}}}};
    Record record = makeRecord(naming, prepared, {{.pool = "node-a", .device = device}}, "boot-1",
                               {{.name = naming.deviceName(claim.uid, device, ""), .edits = {.env = {"A=1"}}}}, {});
    auto ticket = store->begin(claim.uid);
    EXPECT_TRUE(store->commit(ticket, record, [] { return false; }));
    return claim;
  }

  void start() {
    sweeper = std::make_unique<Sweeper>(
        *store, api, clock, random, "node-a",
        [this](const kube::ResourceClaim& claim) {
          std::lock_guard guard(mutex);
          stillThere.push_back(claim.metadata.name);
        },
        events, instruments, log);
  }

  bool isPrepared(const ClaimRef& claim) { return store->find(claim.uid)->has_value(); }
  std::size_t reads() const { return server.requests("GET", "resourceclaims"); }

  /// Lets time pass when the sweeper sleeps.
  void pass(base::Clock::Duration duration) {
    ASSERT_TRUE(clock.awaitWaiters());
    clock.advance(duration);
  }

  metrics::Registry registry;
  Instruments instruments{registry};
  fakes::RecordedEvents events;
  SpecNaming naming{.driverName = "gpu.example.com", .cdiClass = "gpu"};
  fakes::FakeClock clock;
  fakes::FakeFiles files;
  fakes::FixedRandom random;
  fakes::MemoryLog sink;
  base::Logger log{sink, clock, {.verbosity = 5}};
  standin::ApiServer server{clock};
  fakes::Cluster cluster{server};
  std::unique_ptr<kube::Transport> transport = server.transport();
  kube::Client api{*transport, clock, {.qps = 0}, log};
  std::mutex mutex;
  std::vector<std::string> stillThere;
  std::unique_ptr<Store> store;
  std::unique_ptr<Sweeper> sweeper;
};

TEST_F(SweeperTest, AClaimThatExistsIsReadOnceAtTheStartAndNeverAgain) {
  ClaimRef claim = prepared("a");
  auto before = reads();
  start();
  ASSERT_TRUE(eventually([&] { return reads() == before + 1; }));

  for (int i = 0; i < 20; ++i) {
    pass(10min);
  }

  EXPECT_TRUE(isPrepared(claim));
  EXPECT_EQ(reads(), before + 1);
}

TEST_F(SweeperTest, AClaimThatIsStillThereIsAnnouncedAndOneThatIsGoneIsNot) {
  prepared("a");
  prepared("b");
  cluster.deleteClaim("b");
  start();

  EXPECT_TRUE(eventually([&] {
    std::lock_guard guard(mutex);
    return !stillThere.empty();
  }));
  ASSERT_TRUE(clock.awaitWaiters(1, 3min));
  std::lock_guard guard(mutex);
  EXPECT_THAT(stillThere, testing::ElementsAre("a"));
}

TEST_F(SweeperTest, AnIdleNodeAsksNothing) {
  start();
  pass(3min);
  pass(24h);
  EXPECT_EQ(reads(), 0u);
}

TEST_F(SweeperTest, AClaimThatIsGoneIsReleasedAfterThreeMinutesAndNotBefore) {
  ClaimRef claim = prepared("a");
  cluster.deleteClaim("a");
  auto before = reads();
  start();
  ASSERT_TRUE(eventually([&] { return reads() == before + 1; }));
  pass(2min + 59s);
  EXPECT_TRUE(isPrepared(claim));

  pass(1s);

  EXPECT_TRUE(eventually([&] { return !isPrepared(claim); }));
  ASSERT_TRUE(eventually([&] { return events.all().size() == 1; }));
  EXPECT_EQ(events.all()[0].reason, "ReleasedAbandonedClaim");
  EXPECT_EQ(events.all()[0].about.uid, claim.uid);
  EXPECT_EQ(instruments.abandonedClaims.value(), 1);
}

TEST_F(SweeperTest, AClaimOfTheSameNameButAnotherUidCountsAsGone) {
  ClaimRef claim = prepared("a");
  cluster.deleteClaim("a");
  cluster.claim("a");
  auto before = reads();
  start();
  ASSERT_TRUE(eventually([&] { return reads() == before + 1; }));
  pass(3min);
  EXPECT_TRUE(eventually([&] { return !isPrepared(claim); }));
}

TEST_F(SweeperTest, AClaimThatIsNoLongerAllocatedToWhatWasPreparedIsReleased) {
  ClaimRef claim = prepared("1");
  cluster.reallocate("1", fakes::AllocationBuilder().device("gpu-7").build());
  auto before = reads();
  start();
  ASSERT_TRUE(eventually([&] { return reads() == before + 1; }));
  pass(3min);
  EXPECT_TRUE(eventually([&] { return !isPrepared(claim); }));
}

TEST_F(SweeperTest, AnAnswerThatIsNoClaimReleasesNobody) {
  ClaimRef claim = prepared("1");
  server.intercept([](const kube::HttpRequest&) { return kube::HttpResponse{.status = 200, .body = "{}"}; });
  start();
  for (int i = 0; i < 5; ++i) {
    pass(11min);
  }
  EXPECT_TRUE(isPrepared(claim));
}

TEST_F(SweeperTest, StoppingDoesNotWaitForAnAnswer) {
  prepared("1");
  fakes::SilentTransport silent;
  kube::Client deaf(silent, clock, {.qps = 0}, log);
  sweeper = std::make_unique<Sweeper>(
      *store, deaf, clock, random, "node-a", [](const kube::ResourceClaim&) {}, events, instruments, log);
  ASSERT_TRUE(eventually([&] { return silent.requests() == 1; }));
  sweeper.reset();
}

TEST_F(SweeperTest, ASuspectIsLookedAtWhenSomebodyIsBlockedByIt) {
  start();
  ClaimRef claim = prepared("a");
  cluster.deleteClaim("a");
  sweeper->suspect(claim);
  ASSERT_TRUE(eventually([&] { return reads() >= 1; }));
  pass(3min);
  EXPECT_TRUE(eventually([&] { return !isPrepared(claim); }));
}

TEST_F(SweeperTest, AnApiServerThatDoesNotAnswerReleasesNobody) {
  ClaimRef claim = prepared("a");
  cluster.deleteClaim("a");
  server.intercept([](const kube::HttpRequest&) { return kube::HttpResponse{.status = 503}; });
  start();
  for (int i = 0; i < 10; ++i) {
    pass(11min);
  }
  EXPECT_TRUE(isPrepared(claim));
  EXPECT_GE(reads(), 5u) << "it keeps asking";

  server.intercept({});
  pass(11min);
  pass(3min);
  EXPECT_TRUE(eventually([&] { return !isPrepared(claim); }));
}

TEST_F(SweeperTest, StoppingDoesNotWaitForTheNextLook) {
  prepared("a");
  cluster.deleteClaim("a");
  start();
  ASSERT_TRUE(clock.awaitWaiters());
  sweeper.reset();
}

}  // namespace
}  // namespace simgpu::claim
