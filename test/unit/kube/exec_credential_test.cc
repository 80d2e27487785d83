#include "kube/exec_credential.h"

#include <condition_variable>
#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.h"
#include "fakes/result_matchers.h"
#include "kube/rfc3339.h"
#include "simgpu/kube/json.h"

namespace simgpu::kube {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr const char* kV1 = "client.authentication.k8s.io/v1";

std::string credential(const std::string& status) {
  return R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" + status + "}";
}

/// Answers what it was given, in order; the last again and again.
class FakeRunner final : public ProcessRunner {
 public:
  Result<std::string> run(const Command& command, std::chrono::milliseconds /*timeout*/,
                          const std::stop_token& /*stop*/) override {
    std::lock_guard lock(mutex);
    commands.push_back(command);
    auto output = outputs.front();
    if (outputs.size() > 1) {
      outputs.pop_front();
    }
    return output;
  }

  std::mutex mutex;
  std::vector<Command> commands;
  std::deque<Result<std::string>> outputs;
};

class ExecCredentialTest : public testing::Test {
 protected:
  /// Waits for the run that the call starts, if it starts one.
  Result<PluginAnswer> current() {
    for (int i = 0; i < 2; ++i) {
      if (auto answer = exec.current()) {
        return *answer;
      }
      std::unique_lock lock(mutex);
      EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [this] { return ended > seen; }));
      ++seen;
    }
    return unexpected(Status::internal("the plugin ran twice"));
  }

  std::string tokenExpiringIn(std::chrono::seconds time) {
    auto at = std::chrono::system_clock::to_time_t(clock.wallTime() + time);
    std::tm utc{};
    gmtime_r(&at, &utc);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return credential(fmt::format(R"({{"token":"t","expirationTimestamp":"{}"}})", text.data()));
  }

  ExecPlugin plugin{.command = "get-token",
                    .args = {"-x"},
                    .env = {{"A", "b"}},
                    .apiVersion = kV1,
                    .installHint = "install get-token",
                    .provideClusterInfo = false};
  fakes::FakeClock clock;
  FakeRunner runner;
  std::mutex mutex;
  std::condition_variable changed;
  int ended = 0;
  int seen = 0;
  ExecCredential exec{plugin, "{info}", runner, clock, [this] {
                        std::lock_guard lock(mutex);
                        ++ended;
                        changed.notify_all();
                      }};
};

TEST_F(ExecCredentialTest, APluginThatIsNotInstalledSaysHowToInstallIt) {
  runner.outputs = {unexpected(Status::notFound("get-token: No such file or directory"))};
  EXPECT_THAT(current(), Fails(Code::notFound,
                               AllOf(HasSubstr("credential plugin get-token: "), HasSubstr("(install get-token)"))));
}

TEST_F(ExecCredentialTest, AFailureIsNotRepeatedForEveryRequest) {
  runner.outputs = {unexpected(Status::unavailable("it ended with exit code 1")), credential(R"({"token":"t"})")};
  EXPECT_THAT(current(), Fails(Code::unavailable, HasSubstr("exit code 1")));
  clock.advance(std::chrono::seconds(4));
  EXPECT_THAT(current(), Fails(Code::unavailable, HasSubstr("exit code 1")));
  exec.refuse();
  EXPECT_THAT(current(), Fails(Code::unavailable, HasSubstr("exit code 1")));
  clock.advance(std::chrono::seconds(2));
  EXPECT_OK(current());
}

TEST_F(ExecCredentialTest, TheCredentialIsKeptUntilItExpires) {
  runner.outputs = {tokenExpiringIn(std::chrono::seconds(100)), credential(R"({"token":"later"})")};
  EXPECT_EQ(current()->token, "t");
  clock.advance(std::chrono::seconds(98));
  EXPECT_EQ(current()->token, "t");
  EXPECT_EQ(runner.commands.size(), 1u);
  clock.advance(std::chrono::seconds(2));
  EXPECT_EQ(current()->token, "later");
}

TEST_F(ExecCredentialTest, ARefusedCredentialIsReplaced) {
  runner.outputs = {credential(R"({"token":"one"})"), credential(R"({"token":"two"})")};
  EXPECT_EQ(current()->token, "one");
  exec.refuse();
  EXPECT_EQ(current()->token, "two");
}

TEST_F(ExecCredentialTest, ThePluginGetsItsArgumentsAndTheExecInfo) {
  runner.outputs = {credential(R"({"token":"one"})")};
  EXPECT_OK(current());
  EXPECT_EQ(runner.commands[0].program, "get-token");
  EXPECT_THAT(runner.commands[0].args, ElementsAre("-x"));
  EXPECT_THAT(runner.commands[0].env, ElementsAre(Pair("A", "b"), Pair("KUBERNETES_EXEC_INFO", "{info}")));
}

TEST(PluginAnswer, WrongOutputIsRefusedWithoutShowingIt) {
  struct Case {
    std::string output;
    const char* message;
  };
  for (
      const auto& [output, message] : std::initializer_list<Case>{
          {"SECRET", "not valid JSON"},
          {"[]", "expected an object"},
          {R"({"kind":"Pod"})", "not an ExecCredential of client.authentication.k8s.io/v1"},
          {R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"SECRET"}})",
           "not an ExecCredential of"},
          {credential("{}"), "neither a token nor a client certificate"},
          {credential(R"({"token":{"SECRET":1}})"), "status.token: expected a string"},
          {credential(R"({"clientKeyData":"SECRET"})"), "only one of clientCertificateData and clientKeyData"},
          {credential(R"({"token":"SECRET","expirationTimestamp":"soon"})"), "expirationTimestamp is not a time"}}) {
    EXPECT_THAT(pluginAnswerFrom(output, kV1),
                Fails(Code::unavailable, AllOf(HasSubstr(message), Not(HasSubstr("SECRET")))))
        << output;
  }
}

TEST(PluginAnswer, CertificatesAndExpiryAreRead) {
  auto answer = pluginAnswerFrom(
      credential(R"({"clientCertificateData":"C","clientKeyData":"K","expirationTimestamp":"2030-01-01T00:00:00Z"})"),
      kV1);
  ASSERT_OK(answer);
  EXPECT_EQ(*answer, (PluginAnswer{"", "C", "K", parseRfc3339("2030-01-01T00:00:00Z")}));
}

TEST(ExecInfo, TheClusterIsToldToPluginsThatAsk) {
  Config config;
  config.server = "https://x:1";
  config.tlsServerName = "kube";
  config.proxyUrl = "http://p";
  config.exec = ExecPlugin{.command = "x", .args = {}, .env = {}, .apiVersion = kV1, .installHint = {}};
  EXPECT_EQ(execInfo(config, "PEM"),
            R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}})");
  config.exec->provideClusterInfo = true;
  auto info = parseJson(execInfo(config, "PEM"));
  ASSERT_OK(info);
  EXPECT_EQ((*info)["spec"]["cluster"], *parseJson(R"({"server":"https://x:1","tls-server-name":"kube",
      "certificate-authority-data":"UEVN","proxy-url":"http://p"})"));
}

}  // namespace
}  // namespace simgpu::kube
