#include <future>
#include <stdexcept>

#include <gmock/gmock.h>

#include "plugin_fixture.h"

namespace simgpu::kubelet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

class DraServiceTest : public PluginTest {
 protected:
  void serve() {
    auto started = start();
    ASSERT_OK(started);
    plugin = std::move(*started);
    channel = dial(plugin->draSocket());
  }

  dra::v1::NodePrepareResourcesResponse prepare(const std::vector<std::string>& uids) {
    Call call;
    dra::v1::NodePrepareResourcesResponse response;
    grpc::Status status =
        dra::v1::DRAPlugin::NewStub(channel)->NodePrepareResources(&call, prepareRequest(uids), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  grpc::Status prepareStatus(Call& call) {
    dra::v1::NodePrepareResourcesResponse response;
    return dra::v1::DRAPlugin::NewStub(channel)->NodePrepareResources(&call, prepareRequest({"u-1"}), &response);
  }

  std::unique_ptr<Plugin> plugin;
  std::shared_ptr<grpc::Channel> channel;
};

std::vector<Result<claim::PreparedClaim>> preparedWithShare(std::span<const claim::ClaimRef> asked,
                                                            const claim::CallContext&) {
  claim::PreparedClaim answer = FakeClaims::answerFor(asked.front());
  answer.devices.push_back(
      {.requests = {"a", "b"}, .pool = "pool-2", .device = "gpu-1", .shareId = "share-1", .cdiIds = {"c=1", "c=2"}});
  return {answer};
}

TEST_F(DraServiceTest, PrepareAnswersEveryFieldOfEveryDevice) {
  claims.onPrepare = preparedWithShare;
  serve();
  auto response = prepare({"u-1"});
  EXPECT_THAT(claims.asked(), ElementsAre(ElementsAre(claim::ClaimRef{"team-a", "claim-u-1", "u-1"})));
  ASSERT_THAT(response.claims(), SizeIs(1));
  const auto& entry = response.claims().at("u-1");
  EXPECT_EQ(entry.error(), "");
  ASSERT_THAT(entry.devices(), SizeIs(2));
  EXPECT_FALSE(entry.devices(0).has_share_id());
  const auto& shared = entry.devices(1);
  EXPECT_THAT(shared.request_names(), ElementsAre("a", "b"));
  EXPECT_EQ(shared.pool_name(), "pool-2");
  EXPECT_EQ(shared.device_name(), "gpu-1");
  EXPECT_THAT(shared.cdi_device_ids(), ElementsAre("c=1", "c=2"));
  EXPECT_EQ(shared.share_id(), "share-1");
}

TEST_F(DraServiceTest, V1Beta1IsServedFromTheSameImplementation) {
  claims.onPrepare = preparedWithShare;
  serve();
  auto stub = dra::v1beta1::DRAPlugin::NewStub(channel);
  Call prepareCall;
  dra::v1beta1::NodePrepareResourcesRequest request;
  ASSERT_TRUE(request.ParseFromString(prepareRequest({"u-1"}).SerializeAsString()));
  dra::v1beta1::NodePrepareResourcesResponse response;
  ASSERT_TRUE(stub->NodePrepareResources(&prepareCall, request, &response).ok());
  ASSERT_THAT(response.claims().at("u-1").devices(), SizeIs(2));
  EXPECT_EQ(response.claims().at("u-1").devices(1).device_name(), "gpu-1");

  Call unprepareCall;
  dra::v1beta1::NodeUnprepareResourcesRequest unprepare;
  unprepare.add_claims()->set_uid("u-9");
  dra::v1beta1::NodeUnprepareResourcesResponse unprepared;
  ASSERT_TRUE(stub->NodeUnprepareResources(&unprepareCall, unprepare, &unprepared).ok());
  EXPECT_EQ(unprepared.claims().at("u-9").error(), "");
}

TEST_F(DraServiceTest, ARequestWithoutClaimsIsAnsweredWithoutAsking) {
  serve();
  EXPECT_THAT(prepare({}).claims(), IsEmpty());
  EXPECT_THAT(claims.asked(), IsEmpty());
}

TEST_F(DraServiceTest, OneFailedClaimDoesNotTouchTheOthers) {
  claims.onPrepare = [](std::span<const claim::ClaimRef> asked, const claim::CallContext&) {
    return std::vector<Result<claim::PreparedClaim>>{unexpected(Status::notFound("it is gone")),
                                                     FakeClaims::answerFor(asked[1])};
  };
  serve();
  auto response = prepare({"u-1", "u-2"});
  ASSERT_THAT(response.claims(), SizeIs(2));
  EXPECT_EQ(response.claims().at("u-1").error(), "error preparing devices for claim u-1: it is gone");
  EXPECT_THAT(response.claims().at("u-1").devices(), IsEmpty());
  EXPECT_EQ(response.claims().at("u-2").error(), "");
  EXPECT_THAT(response.claims().at("u-2").devices(), SizeIs(1));
}

TEST_F(DraServiceTest, AnErrorThatIsNotUtf8CostsNoClaimItsAnswer) {
  claims.onPrepare = [](std::span<const claim::ClaimRef> asked, const claim::CallContext&) {
    return std::vector<Result<claim::PreparedClaim>>{
        unexpected(Status::dataLoss("caf\xe9\n{}", std::string(1 << 20, 'x'))), FakeClaims::answerFor(asked[1])};
  };
  serve();
  auto response = prepare({"u-1", "u-2"});
  EXPECT_THAT(response.claims().at("u-1").error(), HasSubstr("claim u-1: caf\xef\xbf\xbd xxx"));
  EXPECT_LT(response.claims().at("u-1").error().size(), 9000U);
  EXPECT_THAT(response.claims().at("u-2").devices(), SizeIs(1));
}

TEST_F(DraServiceTest, EveryUnpreparedClaimHasAnEntryAndItsError) {
  claims.onUnprepare = [](auto, const auto&) { return std::vector<Status>{{}, Status::unavailable("disk is full")}; };
  serve();
  Call call;
  dra::v1::NodeUnprepareResourcesRequest request;
  request.add_claims()->set_uid("u-1");
  request.add_claims()->set_uid("u-2");
  dra::v1::NodeUnprepareResourcesResponse response;
  ASSERT_TRUE(dra::v1::DRAPlugin::NewStub(channel)->NodeUnprepareResources(&call, request, &response).ok());
  ASSERT_THAT(response.claims(), SizeIs(2));
  EXPECT_EQ(response.claims().at("u-1").error(), "");
  EXPECT_EQ(response.claims().at("u-2").error(), "error unpreparing devices for claim u-2: disk is full");
}

TEST_F(DraServiceTest, AnExceptionBecomesAnInternalErrorWithItsText) {
  claims.onPrepare = [](auto, const auto&) -> std::vector<Result<claim::PreparedClaim>> {
    throw std::runtime_error("out of cheese");
  };
  claims.onUnprepare = [](auto, const auto&) -> std::vector<Status> { throw 42; };
  serve();
  Call prepareCall;
  grpc::Status status = prepareStatus(prepareCall);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr("out of cheese"));

  Call unprepareCall;
  dra::v1::NodeUnprepareResourcesRequest request;
  request.add_claims()->set_uid("u-1");
  dra::v1::NodeUnprepareResourcesResponse response;
  status = dra::v1::DRAPlugin::NewStub(channel)->NodeUnprepareResources(&unprepareCall, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(DraServiceTest, TheDeadlineOfTheCallIsPassedOn) {
  std::promise<base::Clock::TimePoint> seen;
  claims.onPrepare = [&](std::span<const claim::ClaimRef> asked, const claim::CallContext& call) {
    seen.set_value(call.deadline);
    return std::vector<Result<claim::PreparedClaim>>{FakeClaims::answerFor(asked.front())};
  };
  serve();
  Call call(30s);
  ASSERT_TRUE(prepareStatus(call).ok());
  auto left = seen.get_future().get() - systemClock_.now();
  EXPECT_GT(left, 15s);
  EXPECT_LT(left, 31s);
}

TEST_F(DraServiceTest, ACallWithoutADeadlineHasNone) {
  std::promise<base::Clock::TimePoint> seen;
  claims.onPrepare = [&](std::span<const claim::ClaimRef> asked, const claim::CallContext& call) {
    seen.set_value(call.deadline);
    return std::vector<Result<claim::PreparedClaim>>{FakeClaims::answerFor(asked.front())};
  };
  serve();
  grpc::ClientContext call;
  dra::v1::NodePrepareResourcesResponse response;
  ASSERT_TRUE(
      dra::v1::DRAPlugin::NewStub(channel)->NodePrepareResources(&call, prepareRequest({"u-1"}), &response).ok());
  EXPECT_EQ(seen.get_future().get(), base::Clock::TimePoint::max());
}

TEST_F(DraServiceTest, ACancelledCallIsSeenByTheClaimRoomFromSeveralThreads) {
  std::promise<void> running;
  std::promise<bool> noticed;
  claims.onPrepare = [&](std::span<const claim::ClaimRef> asked, const claim::CallContext& call) {
    EXPECT_FALSE(call.cancelled());
    running.set_value();
    std::vector<std::future<bool>> watchers;
    for (int i = 0; i < 16; ++i) {
      watchers.push_back(std::async(std::launch::async, [call] { return eventually(call.cancelled); }));
    }
    bool all = true;
    for (auto& watcher : watchers) {
      all = watcher.get() && all;
    }
    noticed.set_value(all);
    return std::vector<Result<claim::PreparedClaim>>{FakeClaims::answerFor(asked.front())};
  };
  serve();
  Call call;
  auto caller = std::async(std::launch::async, [&] { return prepareStatus(call).error_code(); });
  running.get_future().wait();
  call.TryCancel();
  EXPECT_EQ(caller.get(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(noticed.get_future().get());
}

TEST_F(DraServiceTest, AnExpiredCallIsSeenAsCancelled) {
  std::promise<bool> noticed;
  claims.onPrepare = [&](std::span<const claim::ClaimRef> asked, const claim::CallContext& call) {
    noticed.set_value(eventually(call.cancelled));
    return std::vector<Result<claim::PreparedClaim>>{FakeClaims::answerFor(asked.front())};
  };
  serve();
  Call call(50ms);
  EXPECT_EQ(prepareStatus(call).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(noticed.get_future().get());
}

TEST_F(DraServiceTest, ABurstOfFourHundredCallsIsAnsweredWithoutARefusal) {
  claims.onPrepare = [&](std::span<const claim::ClaimRef> asked, const claim::CallContext&) {
    gate.pass();
    return std::vector<Result<claim::PreparedClaim>>{FakeClaims::answerFor(asked.front())};
  };
  serve();
  constexpr int kCalls = 400;
  auto stub = dra::v1::DRAPlugin::NewStub(channel);
  struct Pending {
    Call call;
    dra::v1::NodePrepareResourcesRequest request;
    dra::v1::NodePrepareResourcesResponse response;
    std::promise<grpc::Status> done;
  };
  std::vector<std::unique_ptr<Pending>> pending;
  for (int i = 0; i < kCalls; ++i) {
    pending.push_back(std::make_unique<Pending>());
    Pending& one = *pending.back();
    one.request = prepareRequest({"u-" + std::to_string(i)});
    stub->async()->NodePrepareResources(&one.call, &one.request, &one.response,
                                        [&one](grpc::Status status) { one.done.set_value(std::move(status)); });
  }
  ASSERT_TRUE(gate.awaitWaiting(256));
  EXPECT_THAT(prepare({}).claims(), IsEmpty()) << "a call without claims does not wait";
  gate.open();
  for (auto& one : pending) {
    grpc::Status status = one->done.get_future().get();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
}

TEST_F(DraServiceTest, ALargeRequestIsServedAndAnEndlessOneRefused) {
  serve();
  std::vector<std::string> many(2000, "");
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i] = "u-" + std::to_string(i);
  }
  EXPECT_THAT(prepare(many).claims(), SizeIs(many.size()));

  Call call;
  dra::v1::NodePrepareResourcesResponse response;
  auto status = dra::v1::DRAPlugin::NewStub(channel)->NodePrepareResources(
      &call, prepareRequest({std::string(5 << 20, 'x')}), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace simgpu::kubelet
