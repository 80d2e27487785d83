#include <atomic>
#include <future>
#include <vector>

#include "fakes/result_matchers.h"
#include "simgpu/http/server.h"
#include "unit/http/client.h"

namespace simgpu::http {
namespace {

using testing::StartsWith;

Response ok(const Request&) {
  return {.contentType = "text/plain", .headers = {}, .body = "ok", .stream = {}};
}

TEST(HttpLimits, AHeaderThatIsTooLongIsRefused) {
  auto server = Server::start({.tls = {}, .maxHeaderBytes = 1000}, ok, {}).value();
  Client client(server->port());

  client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(2000, 'a') + "\r\n\r\n");

  EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 431 "));
}

TEST(HttpLimits, ABodyThatIsTooLongIsRefusedWithoutReadingIt) {
  auto server = Server::start({.tls = {}, .maxBodyBytes = 1000}, ok, {}).value();
  Client client(server->port());

  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nstart");

  EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpLimits, AChunkedBodyThatGrowsTooLongIsRefused) {
  auto server = Server::start({.tls = {}, .maxBodyBytes = 1000}, ok, {}).value();
  Client client(server->port());

  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunk = "200\r\n" + std::string(0x200, 'a') + "\r\n";
  client.send(chunk + chunk);

  EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpLimits, ASilentConnectionIsClosed) {
  auto server = Server::start({.tls = {}, .idleSeconds = 1}, ok, {}).value();
  Client client(server->port());

  client.send("GET / HT");

  EXPECT_EQ(client.readAll(), "");
}

TEST(HttpLimits, ClientsThatHoldConnectionsKeepNobodyOut) {
  auto server = Server::start({.tls = {}, .maxConnections = 3}, ok, {}).value();
  Client idle(server->port());
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.readUntil("\r\n\r\nok");
  Client slow(server->port());
  slow.send("GET / HT");
  Client silent(server->port());

  Client another(server->port());
  another.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(another.readUntil("\r\n\r\nok"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpLimits, AClientOverTheLimitWaitsForAnAnswerThatIsBeingMade) {
  std::promise<void> go;
  std::promise<void> begun;
  auto wait = [&](const Request& request) {
    if (request.path == "/slow") {
      begun.set_value();
      go.get_future().wait();
    }
    return ok(request);
  };
  auto server = Server::start({.tls = {}, .maxConnections = 1}, wait, {}).value();
  Client first(server->port());
  first.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  begun.get_future().wait();
  Client second(server->port());
  second.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_FALSE(second.hears(100));
  go.set_value();
  EXPECT_THAT(first.readUntil("\r\n\r\nok"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(second.readUntil("\r\n\r\nok"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpLimits, ManyClientsAreServedOneAfterTheOther) {
  std::atomic<int> served = 0;
  auto count = [&](const Request& request) {
    ++served;
    return ok(request);
  };
  auto server = Server::start({.tls = {}, .maxConnections = 4}, count, {}).value();
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back(server->port()).send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }

  for (Client& client : clients) {
    EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 200 "));
    client.close();
  }
  EXPECT_EQ(served, 50);
}

}  // namespace
}  // namespace simgpu::http
