// Connections to the API server that are slow, hang or break, that nobody may use, or that cannot be trusted: with the
// real program.

#include <atomic>
#include <future>

#include <fmt/format.h>

#include "integration/running_node.h"
#include "integration/spoiled_api.h"

namespace simgpu::integration {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ApiConnectionTest : public RunningNodeTest {
 protected:
  using Request = SpoiledApi::Request;
  using Connection = SpoiledApi::Connection;

  void SetUp() override { startKubelet(); }

  /// The driver is told to use this server, with these fields of a kubeconfig's cluster and user.
  void useServer(const std::string& url, const std::string& cluster = "", const std::string& user = "") {
    std::ofstream(kubeconfig) << "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                              << "clusters: [{name: c, cluster: {server: \"" << url << "\"" << cluster << "}}]\n"
                              << "users: [{name: u, user: {" << user << "}}]\n"
                              << "contexts: [{name: c, context: {cluster: c, user: u}}]\n";
  }

  static bool isClaim(const Request& request) { return request.target.find("resourceclaims/") != std::string::npos; }
  static bool isWatch(const Request& request) { return request.target.find("watch=") != std::string::npos; }
};

TEST_F(ApiConnectionTest, HalfAnswersAndResetsAreReadAgain) {
  std::atomic<int> claims = 0;
  std::atomic<int> lists = 0;
  SpoiledApi spoiled(api, [&](const Request& request, Connection& connection) {
    bool isList = request.method == "GET" && request.target.find(kSlices) == 0 && !isWatch(request);
    if (!isClaim(request) && !isList) {
      return false;
    }
    switch (isList ? lists++ : claims++) {
      case 0:
        connection.reset();
        return true;
      case 1:
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"kind\": \"ResourceClaim\", \"metad");
        return true;
      case 2:
        connection.send(std::string(kChunked) + chunk("{\"kind\": ") + "ff\r\n\"Reso");
        return true;
      case 3:
        connection.send("HTTP/1.1 200 OK\r\nContent-Le");
        return true;
      default:
        return false;
    }
  });
  useServer(spoiled.url());
  run();

  EXPECT_OK(prepare(claim("train", "gpu-0")));
  EXPECT_TRUE(awaitDevices(9)) << driverLog();
  EXPECT_THAT(driverLog(), AllOf(HasSubstr("cannot be reached"), HasSubstr("broke off its answer")));
}

TEST_F(ApiConnectionTest, AnAnswerThatIsNoWholeObjectIsAnErrorOfItsClaim) {
  std::atomic<bool> cut = true;
  SpoiledApi spoiled(api, [&](const Request& request, Connection& connection) {
    if (isClaim(request) && request.target.ends_with("/bad") && cut) {
      connection.answer(200, R"({"kind": "ResourceClaim", "metadata": {"name": "ba)");
      return true;
    }
    return false;
  });
  useServer(spoiled.url());
  run();
  claim::ClaimRef bad = claim("bad", "gpu-0");

  EXPECT_THAT(prepare(bad), Fails(Code::internal, HasSubstr("read ResourceClaim team-a/bad: ")));
  EXPECT_OK(prepare(claim("good", "gpu-1")));
  cut = false;
  EXPECT_OK(prepare(bad));
}

TEST_F(ApiConnectionTest, ASlowAnswerHoldsUpItsOwnClaimOnly) {
  std::promise<void> fast;
  SpoiledApi spoiled(api, [&, ready = fast.get_future().share()](const Request& request, Connection& connection) {
    if (isClaim(request) && request.target.ends_with("/slow")) {
      std::string body = api.get(request.target)->dump();
      connection.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body.substr(0, 20)));
      ready.wait_for(std::chrono::seconds(30));
      connection.send(body.substr(20));
      return true;
    }
    return false;
  });
  useServer(spoiled.url());
  run();
  claim::ClaimRef slow = claim("slow", "gpu-0");

  auto waiting = std::async(std::launch::async, [&] { return prepare(slow); });
  EXPECT_OK(prepare(claim("other", "gpu-1")));
  fast.set_value();

  EXPECT_OK(waiting.get());
}

TEST_F(ApiConnectionTest, AServerThatHangsIsAskedAgainOnAnotherConnection) {
  std::atomic<int> hanging = 0;
  SpoiledApi spoiled(api, [&](const Request& request, Connection& connection) {
    if (isClaim(request) && --hanging >= 0) {
      connection.hold();
      return true;
    }
    return false;
  });
  useServer(spoiled.url());
  run();
  claim::ClaimRef known = claim("known", "gpu-0");
  claim::ClaimRef fresh = claim("fresh", "gpu-1");
  auto before = prepare(known);
  ASSERT_OK(before);
  hanging = 2;

  auto answered = std::async(std::launch::async, [&] { return prepare(known); });
  auto asked = std::async(std::launch::async, [&] { return prepare(fresh); });

  EXPECT_THAT(answered.get(), IsOkAndHolds(*before));
  EXPECT_OK(asked.get());
  EXPECT_THAT(driverLog(), HasSubstr("did not answer in time"));
}

TEST_F(ApiConnectionTest, ATokenThatIsReplacedIsUsedAtTheFirst401) {
  std::atomic<const char*> valid = "Bearer first";
  std::atomic<int> refused = 0;
  SpoiledApi spoiled(api, [&](const Request& request, Connection& connection) {
    auto shown = request.headers.find("authorization");
    if (shown != request.headers.end() && shown->second == valid.load()) {
      return false;
    }
    ++refused;
    connection.answer(401, R"({"kind": "Status", "reason": "Unauthorized", "message": "no", "code": 401})");
    return true;
  });
  put(root / "token", "first\n");
  useServer(spoiled.url(), "", "tokenFile: " + (root / "token").string());
  run();
  ASSERT_OK(prepare(claim("before", "gpu-0")));
  // Nothing else is asked for from here on.
  ASSERT_TRUE(awaitDevices(9)) << driverLog();
  ASSERT_TRUE(fakes::eventually([&] { return api.requests("WATCH") > 0; }));
  EXPECT_EQ(refused, 0);

  put(root / "token", "second\n");
  valid = "Bearer second";
  EXPECT_OK(prepare(claim("after", "gpu-1")));
  EXPECT_EQ(refused, 1) << "the request is repeated, and others use the new token at once";

  valid = "Bearer third";
  EXPECT_THAT(prepare(claim("refused", "gpu-2")),
              Fails(Code::internal, AllOf(HasSubstr("401 Unauthorized"), Not(HasSubstr("second")))));
  put(root / "token", "third\n");
  EXPECT_OK(prepare(claim("again", "gpu-3")));
}

TEST_F(ApiConnectionTest, EventsOutOfOrderUndoNothing) {
  std::promise<void> published;
  std::string lines;
  SpoiledApi spoiled(api, [&, ready = published.get_future().share()](const Request& request, Connection& connection) {
    if (!isWatch(request)) {
      return false;
    }
    ready.wait_for(std::chrono::seconds(30));
    connection.send(std::string(kChunked) + chunk(lines));
    connection.hold();
    return true;
  });
  useServer(spoiled.url());
  run();
  ASSERT_TRUE(awaitDevices(9)) << driverLog();
  auto writes = [&] { return api.requests("PUT") + api.requests("POST", kSlices) + api.requests("DELETE"); };
  auto before = writes();
  // An event from before what the driver wrote, the end of an earlier slice of the name, and then news.
  nlohmann::json now = slices().front();
  nlohmann::json old = now;
  old["spec"]["devices"].clear();
  old["metadata"]["resourceVersion"] = "1";
  nlohmann::json earlier = now;
  earlier["metadata"]["uid"] = "another";
  earlier["metadata"]["resourceVersion"] = "2";
  nlohmann::json edited = now;
  edited["spec"]["devices"].erase(8);
  auto replaced = api.replace(std::string(kSlices) + "/" + now["metadata"]["name"].get<std::string>(), edited);
  ASSERT_OK(replaced);
  for (auto& [type, object] : {std::pair("MODIFIED", old), std::pair("DELETED", earlier),
                               std::pair("MODIFIED", *replaced), std::pair("MODIFIED", old)}) {
    lines += nlohmann::json({{"type", type}, {"object", object}}).dump() + "\n";
  }
  published.set_value();

  EXPECT_TRUE(awaitDevices(9)) << driverLog();
  EXPECT_TRUE(logs("Restored ResourceSlices"));
  EXPECT_EQ(writes(), before + 1);
}

TEST_F(ApiConnectionTest, ASliceWhoseCreationIsNotAnsweredIsThereOnce) {
  std::atomic_flag lost;
  SpoiledApi spoiled(api, [&](const Request& request, Connection& connection) {
    if (request.method != "POST" || request.target != kSlices || lost.test_and_set()) {
      return false;
    }
    EXPECT_OK(api.create(kSlices, nlohmann::json::parse(request.body)));
    connection.reset();
    return true;
  });
  useServer(spoiled.url());
  run();

  EXPECT_TRUE(awaitDevices(9)) << driverLog();
  EXPECT_TRUE(logs("Published ResourceSlices")) << driverLog();
  EXPECT_TRUE(fakes::eventually([&] { return slices().size() == 1; }));
}

TEST_F(ApiConnectionTest, ADateThatIsFarOffMeansNothing) {
  SpoiledApi spoiled(api, [&](const Request& request, Connection& connection) {
    if (!isClaim(request)) {
      return false;
    }
    connection.answer(200, api.get(request.target)->dump(),
                      "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nExpires: Fri, 01 Jan 2100 00:00:00 GMT\r\n");
    return true;
  });
  useServer(spoiled.url());
  run();

  EXPECT_OK(prepare(claim("train", "gpu-0")));
}

/// With TLS. The stand-in serves the certificate that the files hold.
class ApiCertificateTest : public ApiConnectionTest {
 protected:
  void serve(const fakes::TestCa& authority, std::chrono::seconds lifetime = std::chrono::hours(1)) {
    auto pair = authority.issue("server", "IP:127.0.0.1", lifetime);
    put(root / "tls.key", pair.key);
    put(root / "tls.crt", pair.certificate);
    if (http) {
      http->closeConnections();
    }
  }

  void start() {
    stopApiServer();
    auto started = api.serve({.port = port,
                              .tls = http::TlsFiles{.certificateFile = root / "tls.crt",
                                                    .privateKeyFile = root / "tls.key",
                                                    .files = files,
                                                    .clock = clock}},
                             {});
    ASSERT_OK(started);
    http = *std::move(started);
    useServer("https://127.0.0.1:" + std::to_string(http->port()),
              ", certificate-authority: " + (root / "ca.crt").string());
    run();
  }

  fakes::TestCa ca{"first"};
  fakes::TestCa other{"second"};
};

TEST_F(ApiCertificateTest, AWrongOneIsNotTrustedUntilItsAuthorityIsKnown) {
  serve(ca);
  put(root / "ca.crt", other.certificate());
  start();
  EXPECT_TRUE(logs("is not trusted by the certificate authority in " + (root / "ca.crt").string())) << driverLog();
  auto waiting = std::async(std::launch::async, [&] { return prepare(claim("train", "gpu-0")); });
  EXPECT_EQ(api.requests("GET", kSlices), 0u);

  put(root / "ca.crt", ca.certificate());

  EXPECT_OK(waiting.get()) << "the same call";
  EXPECT_TRUE(awaitDevices(9)) << driverLog();
}

TEST_F(ApiCertificateTest, AnotherOneOfTheSameAuthorityIsTrusted) {
  serve(ca);
  put(root / "ca.crt", ca.certificate());
  start();
  ASSERT_OK(prepare(claim("before", "gpu-0")));

  serve(ca);

  EXPECT_OK(prepare(claim("after", "gpu-1")));
}

TEST_F(ApiCertificateTest, AnAuthorityThatChangesIsFollowedWithoutARestart) {
  serve(ca);
  put(root / "ca.crt", ca.certificate());
  start();
  ASSERT_OK(prepare(claim("before", "gpu-0")));
  auto reads = api.requests("GET", "resourceclaims/");

  put(root / "ca.crt", other.certificate());
  serve(other);

  EXPECT_OK(prepare(claim("after", "gpu-1")));
  EXPECT_EQ(api.requests("GET", "resourceclaims/"), reads + 1);
}

TEST_F(ApiCertificateTest, OneThatHasExpiredByTheClockOfTheNodeIsNamed) {
  SpoiledApi expired(
      api, [](const Request&, Connection&) { return false; },
      ca.issue("server", "IP:127.0.0.1", std::chrono::minutes(-1)));
  put(root / "ca.crt", ca.certificate());
  useServer(expired.url(), ", certificate-authority: " + (root / "ca.crt").string());
  run();

  EXPECT_TRUE(logs("certificate has expired")) << driverLog();
  EXPECT_EQ(api.requests("GET", kSlices), 0u);
}

}  // namespace
}  // namespace simgpu::integration
