#include "kubelet/claim_calls.h"

#include <atomic>
#include <future>
#include <thread>

#include <gmock/gmock.h>

#include "fake_claims.h"
#include "fakes/fake_clock.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "gate.h"

namespace simgpu::kubelet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

claim::ClaimRef claimOf(const std::string& uid) {
  return {.space = "team-a", .name = "claim-" + uid, .uid = uid};
}

class ClaimCallsTest : public testing::Test {
 protected:
  base::Logger log(int verbosity = 0) {
    return {logged, clock, {.format = base::LogFormat::text, .verbosity = verbosity}};
  }

  /// Prepares that stand at `gate`, so that no slot of `calls` is free.
  std::vector<std::future<bool>> occupy(ClaimCalls& calls, std::size_t slots) {
    claims.onPrepare = [this](std::span<const claim::ClaimRef> asked, const claim::CallContext&) {
      gate.pass();
      return std::vector<Result<claim::PreparedClaim>>(asked.size(), FakeClaims::answerFor(asked.front()));
    };
    std::vector<std::future<bool>> running;
    for (std::size_t i = 0; i < slots; ++i) {
      running.push_back(std::async(std::launch::async, [&calls, i] {
        return calls.prepare({claimOf("blocked-" + std::to_string(i))}, {}).has_value();
      }));
    }
    EXPECT_TRUE(gate.awaitWaiting(slots));
    return running;
  }

  fakes::FakeClock clock;
  fakes::MemoryLog logged;
  FakeClaims claims;
  Gate gate;
};

TEST_F(ClaimCallsTest, AUidThatIsAskedForTwiceIsPreparedAndAnsweredOnce) {
  ClaimCalls calls(claims, clock, log());
  auto answers = calls.prepare({claimOf("u-1"), claimOf("u-2"), claimOf("u-1")}, {});
  ASSERT_OK(answers);
  ASSERT_THAT(*answers, SizeIs(2));
  EXPECT_EQ((*answers)[0].uid, "u-1");
  EXPECT_EQ((*answers)[1].uid, "u-2");
  EXPECT_THAT(claims.asked(), ElementsAre(ElementsAre(claimOf("u-1"), claimOf("u-2"))));
}

TEST_F(ClaimCallsTest, ErrorsOfClaimsCarryThePrefixThatUsersKnow) {
  claims.onPrepare = [](auto, const auto&) {
    return std::vector<Result<claim::PreparedClaim>>{unexpected(Status::notFound("no such claim"))};
  };
  claims.onUnprepare = [](auto, const auto&) { return std::vector<Status>{Status::unavailable("disk is full")}; };
  ClaimCalls calls(claims, clock, log());
  EXPECT_THAT((*calls.prepare({claimOf("u-1")}, {}))[0].result,
              Fails(Code::notFound, "error preparing devices for claim u-1: no such claim"));
  EXPECT_EQ((*calls.unprepare({claimOf("u-1")}, {}))[0].status.message(),
            "error unpreparing devices for claim u-1: disk is full");
}

TEST_F(ClaimCallsTest, CallsAndOutcomesAreLoggedAsTheReferenceDriverDoes) {
  ClaimCalls calls(claims, clock, log());
  ASSERT_OK(calls.prepare({claimOf("u-1")}, {}));
  ASSERT_OK(calls.unprepare({claimOf("u-1")}, {}));
  EXPECT_THAT(logged.lines(),
              ElementsAre(AllOf(HasSubstr("\"PrepareResourceClaims is called\""), HasSubstr("numClaims=1")),
                          AllOf(HasSubstr("\"Returning newly prepared devices for claim 'u-1'\" uid=\"u-1\" "
                                          "devices=[{\"Requests\":[\"gpu\"],\"PoolName\":\"node-a\",\"DeviceName\":"
                                          "\"gpu-0\",\"CDIDeviceIDs\":[\"k8s.gpu.example.com/gpu=u-1-gpu-0\"],"
                                          "\"ShareID\":null,\"Metadata\":null}]")),
                          AllOf(HasSubstr("\"UnprepareResourceClaims is called\""), HasSubstr("numClaims=1"))));
}

TEST_F(ClaimCallsTest, AFailedClaimIsLoggedWithItsName) {
  claims.onPrepare = [](auto, const auto&) {
    return std::vector<Result<claim::PreparedClaim>>{unexpected(Status::notFound("no such claim"))};
  };
  ClaimCalls calls(claims, clock, log());
  ASSERT_OK(calls.prepare({claimOf("u-1")}, {}));
  EXPECT_THAT(logged.lines().back(),
              AllOf(HasSubstr("\"Error preparing devices for claim\""), HasSubstr("err=\"no such claim\""),
                    HasSubstr("uid=\"u-1\""), HasSubstr("namespace=\"team-a\""), HasSubstr("name=\"claim-u-1\"")));
}

TEST_F(ClaimCallsTest, TheSharedDeviceIsLoggedWithItsShare) {
  claim::PreparedDevice device{.requests = {}, .pool = "p", .device = "d", .shareId = "s-1", .cdiIds = {"a", "b"}};
  EXPECT_EQ(
      devicesForLog({&device, 1}),
      R"([{"Requests":[],"PoolName":"p","DeviceName":"d","CDIDeviceIDs":["a","b"],"ShareID":"s-1","Metadata":null}])");
}

TEST_F(ClaimCallsTest, CallsWithoutClaimsAreNotLoggedUnlessAskedFor) {
  ClaimCalls quiet(claims, clock, log());
  ASSERT_OK(quiet.prepare({}, {}));
  ASSERT_OK(quiet.unprepare({}, {}));
  EXPECT_THAT(logged.lines(), IsEmpty());
  EXPECT_THAT(claims.asked(), IsEmpty());

  ClaimCalls verbose(claims, clock, log(4));
  ASSERT_OK(verbose.prepare({}, {}));
  EXPECT_THAT(logged.lines(), ElementsAre(HasSubstr("numClaims=0")));
}

TEST_F(ClaimCallsTest, TooFewAnswersAreADefectAndNotAMixUp) {
  claims.onPrepare = [](auto, const auto&) { return std::vector<Result<claim::PreparedClaim>>(); };
  claims.onUnprepare = [](auto, const auto&) { return std::vector<Status>(3); };
  ClaimCalls calls(claims, clock, log());
  EXPECT_THAT(calls.prepare({claimOf("u-1")}, {}), Fails(Code::internal, HasSubstr("0 answers for 1 claims")));
  EXPECT_THAT(calls.unprepare({claimOf("u-1")}, {}), Fails(Code::internal, HasSubstr("3 answers for 1 claims")));
}

TEST_F(ClaimCallsTest, APrepareBeyondTheSlotsWaitsForItsTurn) {
  ClaimCalls calls(claims, clock, log(), 2);
  auto running = occupy(calls, 2);
  auto third = std::async(std::launch::async, [&] { return calls.prepare({claimOf("u-3")}, {}).has_value(); });
  ASSERT_TRUE(clock.awaitWaiters(1));
  EXPECT_THAT(claims.asked(), SizeIs(2));
  gate.open();
  EXPECT_TRUE(third.get());
  EXPECT_THAT(claims.asked(), SizeIs(3));
}

TEST_F(ClaimCallsTest, EmptyCallsAndUnpreparesNeverWait) {
  ClaimCalls calls(claims, clock, log(), 1);
  auto running = occupy(calls, 1);
  EXPECT_OK(calls.prepare({}, {}));
  EXPECT_OK(calls.unprepare({}, {}));
  EXPECT_OK(calls.unprepare({claimOf("u-1")}, {}));
  gate.open();
}

TEST_F(ClaimCallsTest, AWaitingPrepareEndsWithItsCaller) {
  ClaimCalls calls(claims, clock, log(), 1);
  auto running = occupy(calls, 1);
  std::atomic<bool> gone = false;
  claim::CallContext call;
  call.cancelled = [&] { return gone.load(); };
  auto waiting = std::async(std::launch::async, [&] { return statusOf(calls.prepare({claimOf("u-2")}, call)); });
  ASSERT_TRUE(clock.awaitWaiters(1));
  gone = true;
  clock.advance(1s);
  EXPECT_EQ(waiting.get().code(), Code::cancelled);
  gate.open();
}

TEST_F(ClaimCallsTest, AWaitingPrepareEndsAtItsDeadline) {
  ClaimCalls calls(claims, clock, log(), 1);
  auto running = occupy(calls, 1);
  claim::CallContext call{.deadline = clock.now() + 50ms};
  auto waiting = std::async(std::launch::async, [&] { return statusOf(calls.prepare({claimOf("u-2")}, call)); });
  ASSERT_TRUE(clock.awaitWaiters(1, 50ms));
  clock.advance(50ms);
  EXPECT_EQ(waiting.get().code(), Code::deadlineExceeded);
  gate.open();
}

TEST_F(ClaimCallsTest, APrepareBeyondTheQueueIsRefusedAtOnceAndUnpreparesAreNot) {
  ClaimCalls calls(claims, clock, log(), 1, 1);
  auto running = occupy(calls, 1);
  auto waiting = std::async(std::launch::async, [&] { return calls.prepare({claimOf("u-2")}, {}).has_value(); });
  ASSERT_TRUE(clock.awaitWaiters(1));

  EXPECT_THAT(calls.prepare({claimOf("u-3")}, {}),
              Fails(Code::resourceExhausted, HasSubstr("1 are running, and 1 wait for their turn")));
  EXPECT_EQ(logged.count("PrepareResourceClaims is called"), 2u) << "the one that runs and the one that is refused";
  EXPECT_OK(calls.prepare({}, {}));
  EXPECT_OK(calls.unprepare({claimOf("u-1")}, {}));

  gate.open();
  EXPECT_TRUE(waiting.get());
  EXPECT_OK(calls.prepare({claimOf("u-3")}, {})) << "there is room again";
}

TEST_F(ClaimCallsTest, ClosingSendsWaitingPreparesAway) {
  ClaimCalls calls(claims, clock, log(), 1);
  auto running = occupy(calls, 1);
  auto waiting = std::async(std::launch::async, [&] { return statusOf(calls.prepare({claimOf("u-2")}, {})); });
  ASSERT_TRUE(clock.awaitWaiters(1));
  calls.close(1s);
  EXPECT_THAT(waiting.get(), Fails(Code::unavailable, HasSubstr("shutting down")));
  gate.open();
}

TEST_F(ClaimCallsTest, AfterTheGraceARunningPrepareIsToldToGiveUpAndAnsweredUnavailable) {
  ClaimCalls calls(claims, clock, log());
  claims.onPrepare = [this](auto, const claim::CallContext& call) {
    EXPECT_FALSE(call.cancelled());
    gate.pass();
    EXPECT_TRUE(call.cancelled());
    return std::vector<Result<claim::PreparedClaim>>{unexpected(Status::cancelled("nobody waits for it"))};
  };
  auto waiting = std::async(std::launch::async, [&] { return statusOf(calls.prepare({claimOf("u-1")}, {})); });
  ASSERT_TRUE(gate.awaitWaiting(1));
  calls.close(1s);
  clock.advance(1s);
  gate.open();
  EXPECT_THAT(waiting.get(), Fails(Code::unavailable, HasSubstr("shutting down")));
}

TEST_F(ClaimCallsTest, WithinTheGraceARunningPrepareIsAnsweredAsEver) {
  ClaimCalls calls(claims, clock, log());
  claims.onPrepare = [this](std::span<const claim::ClaimRef> asked, const claim::CallContext& call) {
    gate.pass();
    EXPECT_FALSE(call.cancelled());
    return std::vector<Result<claim::PreparedClaim>>{FakeClaims::answerFor(asked.front())};
  };
  auto running = std::async(std::launch::async, [&] { return statusOf(calls.prepare({claimOf("u-1")}, {})); });
  ASSERT_TRUE(gate.awaitWaiting(1));
  calls.close(1s);
  clock.advance(999ms);
  gate.open();
  EXPECT_OK(running.get());
}

}  // namespace
}  // namespace simgpu::kubelet
