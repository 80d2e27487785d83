#include <future>

#include <gmock/gmock.h>

#include "plugin_fixture.h"

namespace simgpu::kubelet {
namespace {

using namespace std::chrono_literals;

/// No measure: far less than the ten seconds for which a call that ignores its cancellation would go on, and far more
/// than a busy machine needs.
constexpr auto kPromptly = 8s;

class ShutdownTest : public PluginTest {
 protected:
  void serve() {
    auto with = options();
    with.healthPort = 0;
    auto started = start(with);
    ASSERT_OK(started);
    plugin = std::move(*started);
    channel = dial(plugin->draSocket());
  }

  std::future<grpc::Status> prepareInBackground(const std::string& uid = "u-1") {
    return std::async(std::launch::async, [this, uid] {
      Call call;
      dra::v1::NodePrepareResourcesResponse response;
      return dra::v1::DRAPlugin::NewStub(channel)->NodePrepareResources(&call, prepareRequest({uid}), &response);
    });
  }

  std::chrono::steady_clock::duration stop() {
    auto before = std::chrono::steady_clock::now();
    plugin.reset();
    return std::chrono::steady_clock::now() - before;
  }

  std::unique_ptr<Plugin> plugin;
  std::shared_ptr<grpc::Channel> channel;
};

TEST_F(ShutdownTest, ABlockedPrepareIsCancelledAndAnsweredUnavailable) {
  std::promise<void> running;
  claims.onPrepare = [&](std::span<const claim::ClaimRef>, const claim::CallContext& call) {
    running.set_value();
    EXPECT_TRUE(eventually(call.cancelled));
    return std::vector<Result<claim::PreparedClaim>>{unexpected(Status::cancelled("nobody wants it any more"))};
  };
  serve();
  auto caller = prepareInBackground();
  running.get_future().wait();
  EXPECT_LT(stop(), kPromptly);
  grpc::Status status = caller.get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("shutting down"));
}

TEST_F(ShutdownTest, ARunningPrepareThatFinishesInTimeIsAnswered) {
  claims.onPrepare = [&](std::span<const claim::ClaimRef> asked, const claim::CallContext&) {
    gate.pass();
    return std::vector<Result<claim::PreparedClaim>>{FakeClaims::answerFor(asked.front())};
  };
  serve();
  auto caller = prepareInBackground();
  ASSERT_TRUE(gate.awaitWaiting(1));
  auto stopping = std::async(std::launch::async, [this] { return stop(); });
  ASSERT_TRUE(eventually([&] { return !files_.info(pluginDirectory() / "dra.sock"); }));
  gate.open();
  grpc::Status status = caller.get();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_LT(stopping.get(), kPromptly);
}

TEST_F(ShutdownTest, PreparesThatWaitForTheirTurnAreSentAway) {
  std::atomic<int> running = 0;
  claims.onPrepare = [&](std::span<const claim::ClaimRef>, const claim::CallContext& call) {
    ++running;
    EXPECT_TRUE(eventually(call.cancelled));
    return std::vector<Result<claim::PreparedClaim>>{unexpected(Status::cancelled("nobody wants it any more"))};
  };
  serve();
  std::vector<std::future<grpc::Status>> callers;
  for (int i = 0; i < 300; ++i) {
    callers.push_back(prepareInBackground("u-" + std::to_string(i)));
  }
  ASSERT_TRUE(eventually([&] { return running == 256; }));
  EXPECT_LT(stop(), kPromptly);
  for (auto& caller : callers) {
    // CANCELLED is what gRPC says for one that could not answer in time, on a machine that is busy.
    EXPECT_THAT(caller.get().error_code(), testing::AnyOf(grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::CANCELLED));
  }
  EXPECT_EQ(running, 256);
}

TEST_F(ShutdownTest, AnIdlePluginStopsAtOnce) {
  serve();
  ASSERT_TRUE(channel->WaitForConnected(std::chrono::system_clock::now() + 10s));
  EXPECT_LT(stop(), kPromptly);
}

TEST_F(ShutdownTest, APluginCanBeStartedAgainAtOnce) {
  for (int i = 0; i < 5; ++i) {
    serve();
    EXPECT_EQ(prepareInBackground().get().error_code(), grpc::StatusCode::OK);
    plugin.reset();
  }
}

}  // namespace
}  // namespace simgpu::kubelet
