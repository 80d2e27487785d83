// What those can do to the port of gRPC health who can reach it: everybody in the pod network.

#include <poll.h>

#include <gmock/gmock.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "kubelet/grpc_server.h"
#include "kubelet/unix_socket.h"
#include "plugin_fixture.h"
#include "unit/http/client.h"

namespace simgpu::kubelet {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// How a client of HTTP/2 begins (RFC 9113, 3.4): the preface, and settings of which none differs from the default.
const std::string kPreface = std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string("\0\0\0\4\0\0\0\0\0", 9);

/// A PING frame (RFC 9113, 6.7).
const std::string kPing = std::string("\0\0\x08\6\0\0\0\0\0", 9) + "any text";

/// Whether the server ends the connection within ten seconds.
bool isEnded(http::Client& client) {
  client.readAll();
  return client.hears(0);
}

/// Whether it has not ended so far.
bool isOpen(const http::Client& client) {
  pollfd poll{client.descriptor(), POLLRDHUP, 0};
  return ::poll(&poll, 1, 0) == 0;
}

class ProbeLimitsTest : public PluginTest {
 protected:
  ProbeLimitsTest() {
    auto with = options();
    with.healthPort = 0;
    plugin = std::move(*start(with));
  }

  grpc::Status check(const std::string& service = "") {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto channel = grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", plugin->healthPort()),
                                             grpc::InsecureChannelCredentials(), arguments);
    Call call;
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    return Health::NewStub(channel)->Check(&call, request, &response);
  }

  std::unique_ptr<Plugin> plugin;
};

TEST_F(ProbeLimitsTest, AConnectionTooManyEndsTheOldestSoThatProbesGetThrough) {
  std::vector<http::Client> clients;
  for (int i = 0; i < 64; ++i) {
    clients.emplace_back(plugin->healthPort());
  }

  EXPECT_TRUE(check().ok());

  EXPECT_TRUE(isEnded(clients.front()));
  EXPECT_TRUE(isOpen(clients.back()));
}

TEST_F(ProbeLimitsTest, ConnectionsThatEndedDoNotCount) {
  http::Client patient(plugin->healthPort());
  for (int i = 0; i < 200; ++i) {
    http::Client(plugin->healthPort()).close();
  }

  EXPECT_TRUE(check().ok());

  EXPECT_TRUE(isOpen(patient));
}

TEST_F(ProbeLimitsTest, ARequestThatIsNoQuestionOfAProbeIsRefusedUnread) {
  grpc::Status status = check(std::string(8 << 10, 'x'));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
}

TEST_F(ProbeLimitsTest, ClientsAreToldHowManyCallsAConnectionMayHave) {
  http::Client client(plugin->healthPort());
  client.send(kPreface);

  const std::string sixteenStreams("\0\3\0\0\0\x10", 6);  // SETTINGS_MAX_CONCURRENT_STREAMS
  EXPECT_THAT(client.readUntil(sixteenStreams), HasSubstr(sixteenStreams));
}

TEST_F(ProbeLimitsTest, AClientThatOnlyPingsIsSentAway) {
  http::Client client(plugin->healthPort());
  client.send(kPreface);
  for (int i = 0; i < 10; ++i) {
    client.send(kPing);
  }

  EXPECT_TRUE(isEnded(client));
}

TEST(GrpcServerLimits, AConnectionWithoutCallsIsEndedAfterAWhile) {
  Health::Service service;
  auto listener = listenTcp(0);
  ASSERT_OK(listener);
  auto server = GrpcServer::start(listener->get(), {&service}, {.idleConnection = 50ms});
  ASSERT_OK(server);
  http::Client silent(portOf(*listener).value());
  http::Client polite(portOf(*listener).value());
  polite.send(kPreface);

  EXPECT_TRUE(isEnded(silent));
  EXPECT_TRUE(isEnded(polite));
}

}  // namespace
}  // namespace simgpu::kubelet
