#include <gmock/gmock.h>

#include "unit/kube/transport_fixture.h"

namespace simgpu::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class CurlRequestsTest : public TransportTest {};

TEST_F(CurlRequestsTest, AServerThatIsNotAUrlIsRefused) {
  for (const auto* server : {"", "x:1", "ftp://x", "https://", "http://a b"}) {
    Config bad;
    bad.server = server;
    EXPECT_THAT(makeCurlTransport(bad, {}, clock, files, {}), Fails(Code::invalidArgument, HasSubstr("URL"))) << server;
  }
}

TEST_F(CurlRequestsTest, ACredentialThatCannotBeReadIsRefused) {
  config.server = "https://127.0.0.1:1";
  config.tokenFile = "/no/token";
  EXPECT_THAT(makeCurlTransport(config, {}, clock, files, {}), Fails(Code::notFound, HasSubstr("/no/token")));
}

TEST_F(CurlRequestsTest, NobodyListeningIsUnavailableAndNamesTheServer) {
  std::string url;
  {
    ScriptedServer server([](auto&) {});
    url = server.url();
  }
  open(url);
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, AllOf(HasSubstr(url), HasSubstr("cannot be reached"))));
}

TEST_F(CurlRequestsTest, ASlowAnswerEndsAtTheDeadline) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.hold(); }));
  open(server.url());
  EXPECT_THAT(fetch("/x", milliseconds(50)), Fails(Code::deadlineExceeded, HasSubstr(server.url())));
}

TEST_F(CurlRequestsTest, ADeadlineThatHasPassedIsNotTried) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.answer(200, "late"); }));
  open(server.url());
  EXPECT_THAT(fetch("/x", milliseconds(-1)), Fails(Code::deadlineExceeded, HasSubstr("in time")));
}

TEST_F(CurlRequestsTest, AHalfAnswerIsUnavailable) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  open(server.url());
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr("broke off its answer")));
}

TEST_F(CurlRequestsTest, AnAnswerThatEndsAmongItsHeadersIsUnavailable) {
  for (const char* head : {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Le",
                           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "HTTP/1.1 401 Unauthorized\r\nContent-Le"}) {
    ScriptedServer server([&](auto& connection) {
      connection.read();
      connection.send(head);
    });
    open(server.url());
    EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr("broke off its answer"))) << head;
  }
}

TEST_F(CurlRequestsTest, AResetConnectionIsUnavailable) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    connection.reset();
  });
  open(server.url());
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr(server.url())));
}

TEST_F(CurlRequestsTest, AnAnswerWithoutEndIsCutOff) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    connection.send("HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 70; ++i) {
      connection.send(piece);
    }
  });
  open(server.url());
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr("longer than 67108864 bytes")));
}

TEST_F(CurlRequestsTest, AnErrorOfTheServerIsAnAnswer) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) {
    connection.answer(429, "Too many requests, please try again later.\n", "Retry-After: 7\r\n");
  }));
  open(server.url());
  auto response = fetch("/x");
  ASSERT_OK(response);
  EXPECT_EQ(response->status, 429);
  EXPECT_EQ(response->body, "Too many requests, please try again later.\n");
  EXPECT_EQ(response->retryAfter, seconds(7));
}

TEST_F(CurlRequestsTest, WarningsAreHandedOn) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) {
    connection.answer(200, "{}",
                      "Warning: 299 - \"unknown field \\\"spec.foo\\\"\"\r\nwarning: 299 k8s \"second\"\r\n"
                      "Warning: 199 - \"misc\"\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n");
  }));
  open(server.url());
  auto response = fetch("/x");
  ASSERT_OK(response);
  EXPECT_THAT(response->warnings, ElementsAre("unknown field \"spec.foo\"", "second"));
  EXPECT_EQ(response->retryAfter, std::nullopt);
}

TEST_F(CurlRequestsTest, RequestsCarryWhatWasAsked) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.answer(201, "made"); }));
  config.token = "t0ken";
  open(server.url() + "/prefix");
  auto request = get("/apis/a%2Fb?x=%3D");
  request.method = "POST";
  request.body = "{\"a\":1}";
  auto response = transport->send(std::move(request)).get();
  ASSERT_OK(response);
  EXPECT_EQ(response->status, 201);
  ASSERT_THAT(server.requests(), SizeIs(1));
  auto seen = server.requests()[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/prefix/apis/a%2Fb?x=%3D");
  EXPECT_EQ(seen.body, "{\"a\":1}");
  EXPECT_EQ(seen.headers["content-type"], "application/json");
  EXPECT_EQ(seen.headers["authorization"], "Bearer t0ken");
  EXPECT_EQ(seen.headers["accept"], "application/json");
  EXPECT_EQ(seen.headers["user-agent"], "simgpu-test/1");
  EXPECT_EQ(seen.headers.count("expect"), 0u);
}

TEST_F(CurlRequestsTest, AProxyIsAskedIfOneIsConfigured) {
  ScriptedServer proxy(eachRequest([](auto&, auto& connection) { connection.answer(200, "{}"); }));
  config.proxyUrl = proxy.url();
  open("http://kube.invalid:8080");
  ASSERT_OK(fetch("/x"));
  EXPECT_EQ(proxy.requests().at(0).target, "http://kube.invalid:8080/x");
}

TEST_F(CurlRequestsTest, PutAndDeleteCarryTheirBody) {
  ScriptedServer server(eachRequest([](auto& request, auto& connection) { connection.answer(200, request.body); }));
  open(server.url());
  for (const auto* method : {"PUT", "DELETE"}) {
    auto request = get("/x");
    request.method = method;
    request.body = std::string(2 << 20, 'b');
    auto response = transport->send(std::move(request)).get();
    ASSERT_OK(response);
    EXPECT_EQ(response->body.size(), std::size_t{2} << 20);
  }
  EXPECT_EQ(server.requests()[1].method, "DELETE");
}

TEST_F(CurlRequestsTest, ConnectionsAreKept) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.answer(200, "{}"); }));
  open(server.url());
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(fetch("/x"));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CurlRequestsTest, ARefusedTokenIsReadAgainAndTheRequestRepeatedOnce) {
  files.put("/token", "old");
  config.tokenFile = "/token";
  ScriptedServer server(eachRequest([](auto& request, auto& connection) {
    connection.answer(request.headers.at("authorization") == "Bearer new" ? 200 : 401, "body");
  }));
  open(server.url());
  files.put("/token", "new");

  auto response = fetch("/x");

  ASSERT_OK(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_THAT(server.requests(), SizeIs(2));

  files.put("/token", "wrong");
  EXPECT_THAT(fetch("/x"), IsOkAndHolds(testing::Field(&HttpResponse::status, 200))) << "the token is kept in memory";
}

TEST_F(CurlRequestsTest, ATokenThatIsRefusedTwiceIsTheCallersProblem) {
  files.put("/token", "bad");
  config.tokenFile = "/token";
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.answer(401, "no"); }));
  open(server.url());
  auto response = fetch("/x");
  ASSERT_OK(response);
  EXPECT_EQ(response->status, 401);
  EXPECT_EQ(response->body, "no");
  EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST_F(CurlRequestsTest, AMissingPluginFailsTheRequestWithItsHint) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.answer(200, "{}"); }));
  config.exec =
      ExecPlugin{.command = "/no/such/plugin", .args = {}, .env = {}, .apiVersion = "x", .installHint = "get it"};
  open(server.url());
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, AllOf(HasSubstr("/no/such/plugin"), HasSubstr("(get it)"))));
}

TEST_F(CurlRequestsTest, APluginProvidesTheToken) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.answer(200, "{}"); }));
  const std::string version = "client.authentication.k8s.io/v1";
  config.exec = ExecPlugin{.command = "sh",
                           .args = {"-c", "echo '{\"apiVersion\":\"" + version +
                                              "\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"px\"}}'"},
                           .env = {},
                           .apiVersion = version,
                           .installHint = {}};
  open(server.url());
  ASSERT_OK(fetch("/x"));
  EXPECT_EQ(server.requests().at(0).headers.at("authorization"), "Bearer px");
}

TEST_F(CurlRequestsTest, OnlySoManyRequestsAreInFlight) {
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  ScriptedServer server(eachRequest([&](auto&, auto& connection) {
    most = std::max(most.load(), ++now);
    --now;
    connection.answer(200, "{}");
  }));
  open(server.url(), 4);
  std::vector<std::future<Result<HttpResponse>>> answers;
  for (int i = 0; i < 200; ++i) {
    answers.push_back(transport->send(get("/x")));
  }
  for (auto& answer : answers) {
    EXPECT_OK(answer.get());
  }
  EXPECT_LE(server.connections(), 4);
  EXPECT_LE(most, 4);
}

TEST_F(CurlRequestsTest, ARequestThatGetsNoTurnEndsAtItsDeadline) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.hold(); }));
  open(server.url(), 1);
  auto first = transport->send(get("/first"));
  EXPECT_THAT(fetch("/second", milliseconds(50)), Fails(Code::deadlineExceeded, HasSubstr("in time")));
}

TEST_F(CurlRequestsTest, SeveralThreadsAskAtOnce) {
  ScriptedServer server(eachRequest([](auto& request, auto& connection) { connection.answer(200, request.target); }));
  open(server.url());
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 25; ++i) {
        auto target = fmt::format("/{}/{}", t, i);
        auto response = fetch(target);
        ASSERT_OK(response);
        EXPECT_EQ(response->body, target);
      }
    });
  }
}

TEST_F(CurlRequestsTest, DestructionEndsWhatIsUnderWay) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.hold(); }));
  open(server.url(), 2);
  std::vector<std::future<Result<HttpResponse>>> answers;
  for (int i = 0; i < 5; ++i) {
    answers.push_back(transport->send(get("/x")));
  }
  ASSERT_TRUE(eventually([&] { return server.connections() == 2; }));

  transport.reset();

  for (auto& answer : answers) {
    EXPECT_THAT(answer.get(), Fails(Code::cancelled, HasSubstr("stopped")));
  }
}

TEST_F(CurlRequestsTest, DestructionDoesNotWaitForAPlugin) {
  config.exec = ExecPlugin{.command = "sleep", .args = {"1000"}, .env = {}, .apiVersion = "x", .installHint = {}};
  open("http://127.0.0.1:1");
  auto answer = transport->send(get("/x"));
  transport.reset();
  EXPECT_THAT(answer.get(), Fails(Code::cancelled, HasSubstr("stopped")));
}

}  // namespace
}  // namespace simgpu::kube
