// The end of a server that others still ask.

#include <condition_variable>
#include <future>
#include <mutex>

#include "fakes/eventually.h"
#include "fakes/result_matchers.h"
#include "simgpu/http/server.h"
#include "unit/http/client.h"

namespace simgpu::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::chrono::milliseconds kLong = std::chrono::seconds(30);

/// A server whose answers wait until they are let go.
class HttpDrainTest : public testing::Test {
 protected:
  void SetUp() override {
    auto wait = [this](const Request&) {
      reached.set_value();
      released.wait();
      return Response{.contentType = "text/plain", .headers = {}, .body = "done", .stream = {}};
    };
    server = Server::start({}, wait, {}).value();
  }

  std::promise<void> reached;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::unique_ptr<Server> server;
};

TEST_F(HttpDrainTest, ARequestThatHasBegunIsAnswered) {
  Client client(server->port());
  client.send(kRequest);
  reached.get_future().wait();

  auto drained = std::async(std::launch::async, [&] { server->drain(kLong); });
  ASSERT_TRUE(fakes::eventually([&] { return !Client(server->port()).send("x"); })) << "it still accepts";
  release.set_value();
  std::string answer = client.readAll();
  client.close();

  drained.wait();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpDrainTest, IdleConnectionsAreClosedAtOnce) {
  release.set_value();
  Client client(server->port());
  client.send(kRequest);
  client.readUntil("done");

  auto drained = std::async(std::launch::async, [&] { server->drain(kLong); });

  EXPECT_EQ(client.readAll(), "");
  client.close();
  drained.wait();
}

TEST_F(HttpDrainTest, ItWaitsNoLongerThanItIsTold) {
  Client client(server->port());
  client.send(kRequest);
  reached.get_future().wait();

  server->drain(std::chrono::milliseconds(1));

  release.set_value();  // the destructor joins the handler
}

}  // namespace
}  // namespace simgpu::http
