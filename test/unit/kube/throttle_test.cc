#include "kube/throttle.h"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.h"
#include "fakes/result_matchers.h"
#include "unit/kube/fake_transport.h"

namespace simgpu::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class ThrottleTest : public testing::Test {
 protected:
  void answerNodes(int count) {
    for (int i = 0; i < count; ++i) {
      transport.answers(200, R"({"metadata":{"uid":"u"}})");
    }
  }

  FakeTransport transport;
  fakes::FakeClock clock;
  Client client{transport, clock, {.qps = 5, .burst = 2}, {}};
};

TEST_F(ThrottleTest, ATurnAfterTheDeadlineIsRefusedAtOnce) {
  answerNodes(2);
  EXPECT_OK(client.getNode("n", clock.now()));
  EXPECT_OK(client.getNode("n", clock.now()));
  EXPECT_THAT(client.getNode("n", clock.now() + milliseconds(199)),
              Fails(Code::deadlineExceeded, HasSubstr("read Node n: the limit of requests")));
  EXPECT_EQ(transport.requests.size(), 2u);
}

TEST_F(ThrottleTest, BeyondTheBurstARequestWaitsForItsTurn) {
  answerNodes(3);
  EXPECT_OK(client.getNode("n", clock.now()));
  EXPECT_OK(client.getNode("n", clock.now()));
  auto third = std::async(std::launch::async, [&] { return client.getNode("n", clock.now() + seconds(1)); });
  ASSERT_TRUE(clock.awaitWaiters());
  EXPECT_EQ(transport.requests.size(), 2u);

  clock.advance(milliseconds(200));

  EXPECT_OK(third.get());
}

TEST_F(ThrottleTest, ReadsOfClaimsAreNeverHeldBack) {
  answerNodes(20);
  for (int i = 0; i < 20; ++i) {
    EXPECT_OK(client.startGetClaim("a", "b", clock.now()).get());
  }
}

TEST_F(ThrottleTest, AWatchTakesATurnWithoutWaiting) {
  answerNodes(1);
  for (int i = 0; i < 3; ++i) {
    client.watchSlices("d", "n", "1", [] {});
  }
  EXPECT_THAT(client.getNode("n", clock.now() + milliseconds(399)), Fails(Code::deadlineExceeded, HasSubstr("limit")));
}

TEST_F(ThrottleTest, TurnsThatWereNotUsedAddUpToTheBurst) {
  answerNodes(4);
  clock.advance(seconds(100));
  EXPECT_OK(client.getNode("n", clock.now()));
  EXPECT_OK(client.getNode("n", clock.now()));
  EXPECT_THAT(client.getNode("n", clock.now()), Fails(Code::deadlineExceeded, HasSubstr("limit")));
}

}  // namespace
}  // namespace simgpu::kube
