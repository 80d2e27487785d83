#include <future>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "kubelet/unix_socket.h"
#include "plugin_fixture.h"

namespace simgpu::kubelet {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::AllOf;
using testing::HasSubstr;

class ProbeTest : public PluginTest {
 protected:
  void serve() {
    auto with = options();
    with.healthPort = 0;
    auto started = start(with);
    ASSERT_OK(started);
    plugin = std::move(*started);
    ASSERT_NE(plugin->healthPort(), 0);
  }

  std::unique_ptr<Health::Stub> stub(const char* host = "127.0.0.1") {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return Health::NewStub(grpc::CreateCustomChannel(fmt::format("{}:{}", host, plugin->healthPort()),
                                                     grpc::InsecureChannelCredentials(), arguments));
  }

  HealthCheckResponse::ServingStatus check(const std::string& service = "") {
    Call call;
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    grpc::Status status = stub()->Check(&call, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }

  std::unique_ptr<Plugin> plugin;
};

TEST_F(ProbeTest, TheServerAndItsLivenessAreServing) {
  serve();
  EXPECT_EQ(check(""), HealthCheckResponse::SERVING);
  EXPECT_EQ(check("liveness"), HealthCheckResponse::SERVING);
  EXPECT_EQ(logged.count("PrepareResourceClaims is called"), 0U) << "probes do not fill the log";
}

TEST_F(ProbeTest, OtherServicesAreUnknown) {
  serve();
  Call call;
  HealthCheckRequest request;
  request.set_service("readiness");
  HealthCheckResponse response;
  grpc::Status status = stub()->Check(&call, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "unknown service");
}

TEST_F(ProbeTest, WatchIsNotImplemented) {
  serve();
  Call call;
  auto reader = stub()->Watch(&call, {});
  HealthCheckResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ProbeTest, ADeletedSocketIsNotServing) {
  serve();
  ASSERT_OK(files_.remove(plugin->draSocket()));
  EXPECT_EQ(check(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(logged.count("dra.sock was taken away"), 1U);
}

TEST_F(ProbeTest, ADeletedRegistrationSocketIsNotServing) {
  serve();
  ASSERT_OK(files_.remove(plugin->registrationSocket()));
  EXPECT_EQ(check(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(ProbeTest, AReplacedSocketIsNotServing) {
  serve();
  ASSERT_OK(files_.remove(plugin->draSocket()));
  auto stranger = UnixListener::listen(files_, plugin->draSocket());
  ASSERT_OK(stranger);
  EXPECT_EQ(check(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(logged.count("dra.sock was replaced"), 1U);
}

TEST_F(ProbeTest, AHundredBlockedPreparesOfTwoHundredDoNotDelayTheProbe) {
  claims.onPrepare = [&](std::span<const claim::ClaimRef> asked, const claim::CallContext&) {
    if (asked.front().uid.starts_with("blocked")) {
      gate.pass();
    }
    return std::vector<Result<claim::PreparedClaim>>{FakeClaims::answerFor(asked.front())};
  };
  serve();
  auto channel = dial(plugin->draSocket());
  std::vector<std::future<grpc::Status>> calls;
  for (int i = 0; i < 200; ++i) {
    calls.push_back(std::async(std::launch::async, [&, i] {
      Call call(std::chrono::seconds(30));
      dra::v1::NodePrepareResourcesResponse response;
      return dra::v1::DRAPlugin::NewStub(channel)->NodePrepareResources(
          &call, prepareRequest({fmt::format("{}-{}", i % 2 == 0 ? "blocked" : "free", i)}), &response);
    }));
  }
  ASSERT_TRUE(gate.awaitWaiting(100));
  EXPECT_EQ(check("liveness"), HealthCheckResponse::SERVING);
  for (std::size_t i = 1; i < calls.size(); i += 2) {
    EXPECT_TRUE(calls[i].get().ok()) << "the other hundred are answered meanwhile";
  }
  EXPECT_EQ(check(), HealthCheckResponse::SERVING);
  gate.open();
  for (std::size_t i = 0; i < calls.size(); i += 2) {
    EXPECT_TRUE(calls[i].get().ok());
  }
}

TEST_F(ProbeTest, APortThatIsTakenIsNamedAndNothingIsShown) {
  auto taken = listenTcp(0);
  ASSERT_OK(taken);
  auto with = options();
  with.healthPort = portOf(*taken).value();
  Status failure = statusOf(start(with));
  EXPECT_FALSE(failure);
  EXPECT_THAT(failure.message(), AllOf(HasSubstr(fmt::format("TCP port {}", *with.healthPort)),
                                       HasSubstr("--healthcheck-port"), HasSubstr("in use")));
  EXPECT_FALSE(files_.info(registry() / "gpu.example.com-reg.sock"));
  EXPECT_FALSE(files_.info(pluginDirectory() / "dra.sock"));
}

TEST_F(ProbeTest, WithoutAPortNothingIsServed) {
  auto started = start();
  ASSERT_OK(started);
  EXPECT_EQ((*started)->healthPort(), 0);
}

}  // namespace
}  // namespace simgpu::kubelet
