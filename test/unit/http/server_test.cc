#include "simgpu/http/server.h"

#include <stdexcept>

#include "fakes/result_matchers.h"
#include "unit/http/client.h"

namespace simgpu::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Response textResponse(std::string body) {
  return {.contentType = "text/plain", .headers = {}, .body = std::move(body), .stream = {}};
}

std::unique_ptr<Server> serve(Server::Handler handler) {
  return Server::start({}, std::move(handler), {}).value();
}

TEST(HttpServer, APortInUseIsUnavailableAndNamed) {
  auto first = serve([](const Request&) { return Response{}; });

  ServerOptions options;
  options.port = first->port();

  EXPECT_THAT(Server::start(options, {}, {}), Fails(Code::unavailable, HasSubstr(std::to_string(first->port()))));
}

TEST(HttpServer, AnAddressThatIsNoneIsRefused) {
  ServerOptions options;
  options.address = "nowhere";

  EXPECT_THAT(Server::start(options, {}, {}), Fails(Code::invalidArgument, HasSubstr("nowhere")));
}

TEST(HttpServer, AnExceptionOfTheHandlerIsA500AndNothingElse) {
  auto server = serve([](const Request&) -> Response { throw std::runtime_error("secret"); });
  Client client(server->port());

  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string answer = client.readAll();

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
}

TEST(HttpServer, BytesThatAreNotHttpAreABadRequest) {
  auto server = serve([](const Request&) { return Response{}; });
  Client client(server->port());

  client.send("\x16\x03\x01 hello\r\n\r\n");

  EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 400 "));
}

TEST(HttpServer, TheHandlerSeesTheWholeRequest) {
  Request seen;
  auto server = serve([&](const Request& request) {
    seen = request;
    return textResponse("thanks");
  });
  Client client(server->port());

  client.send("PUT /a%20b?c=d HTTP/1.1\r\nHost: x\r\nX-Thing: V\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
  std::string answer = client.readAll();

  EXPECT_THAT(answer, HasSubstr("\r\n\r\nthanks"));
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.path, "/a%20b");
  EXPECT_EQ(seen.query, "c=d");
  EXPECT_EQ(seen.headers["x-thing"], "V");
  EXPECT_EQ(seen.body, "body");
}

TEST(HttpServer, OneConnectionServesSeveralRequests) {
  auto server = serve([](const Request& request) { return textResponse("you asked for " + request.path + "."); });
  Client client(server->port());

  client.send("GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.readUntil("/one."), StartsWith("HTTP/1.1 200 OK"));
  client.send("GET /two HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.readUntil("/two."), StartsWith("HTTP/1.1 200 OK"));
}

TEST(HttpServer, AHeadRequestGetsTheLengthWithoutTheBody) {
  auto server = serve([](const Request&) { return textResponse("12345"); });
  Client client(server->port());

  client.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string answer = client.readAll();

  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("12345")));
}

TEST(HttpServer, AClientThatWaitsIsToldToContinue) {
  auto server = serve([](const Request& request) { return textResponse(request.body); });
  Client client(server->port());

  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(client.readUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100 "));
  client.send("ok");
  EXPECT_THAT(client.readUntil("ok"), HasSubstr("\r\n\r\nok"));
}

TEST(HttpServer, StoppingDoesNotWaitForIdleClients) {
  auto server = serve([](const Request&) { return textResponse("x"); });
  Client client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.readUntil("\r\n\r\nx");

  server.reset();

  EXPECT_EQ(client.readAll(), "");
}

TEST(HttpServer, DroppedConnectionsLeaveTheServerServing) {
  auto server = serve([](const Request&) { return textResponse("x"); });
  Client before(server->port());
  before.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  before.readUntil("\r\n\r\nx");

  server->closeConnections();

  EXPECT_EQ(before.readAll(), "");
  Client after(server->port());
  after.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(after.readUntil("\r\n\r\nx"), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace simgpu::http
