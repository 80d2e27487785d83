// The admission webhook: the real program, asked over TLS as an API server asks.

#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fakes/eventually.h"
#include "fakes/result_matchers.h"
#include "fakes/temporary_directory.h"
#include "fakes/test_ca.h"
#include "integration/daemon_process.h"
#include "unit/http/tls_client.h"

namespace simgpu::integration {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// A claim that wants GPUs with this time slice.
std::string review(std::string_view interval) {
  nlohmann::json parameters = {
      {"apiVersion", "gpu.resource.example.com/v1alpha1"},
      {"kind", "GpuConfig"},
      {"sharing", {{"strategy", "TimeSlicing"}, {"timeSlicingConfig", {{"interval", interval}}}}}};
  nlohmann::json config = {{"opaque", {{"driver", "gpu.example.com"}, {"parameters", parameters}}}};
  nlohmann::json request = {
      {"uid", "u-1"},
      {"resource", {{"group", "resource.k8s.io"}, {"version", "v1"}, {"resource", "resourceclaims"}}},
      {"object", {{"spec", {{"devices", {{"config", nlohmann::json::array({config})}}}}}}}};
  return nlohmann::json{{"kind", "AdmissionReview"}, {"apiVersion", "admission.k8s.io/v1"}, {"request", request}}
      .dump();
}

/// The program with a certificate in a directory that looks like a mounted Secret.
class WebhookTest : public testing::Test {
 protected:
  WebhookTest() {
    std::filesystem::create_directory(cert);
    publish(ca.issue("first"));
    std::filesystem::create_symlink("..data/tls.crt", cert / "tls.crt");
    std::filesystem::create_symlink("..data/tls.key", cert / "tls.key");
  }

  /// Replaces both files at once, as the kubelet does.
  void publish(const fakes::PemPair& pair) {
    std::string name = fmt::format("..{}", ++generation);
    std::filesystem::create_directory(cert / name);
    std::ofstream(cert / name / "tls.crt") << pair.certificate;
    std::ofstream(cert / name / "tls.key") << pair.key;
    std::filesystem::create_symlink(name, cert / "..new");
    std::filesystem::rename(cert / "..new", cert / "..data");
  }

  std::vector<std::string> arguments() const {
    return {"--tls-cert-file=" + (cert / "tls.crt").string(), "--tls-private-key-file=" + (cert / "tls.key").string(),
            "--port=0"};
  }

  void start(const std::filesystem::path& program, std::vector<std::string> words) {
    process.emplace(words, std::map<std::string, std::string>{}, log, program);
    ASSERT_TRUE(fakes::eventually([this] {
      return logText().find("Serving the admission webhook") != std::string::npos;
    })) << logText();
    std::string text = logText();
    constexpr std::string_view kPort = " port=";
    port = static_cast<std::uint16_t>(std::stoi(text.substr(text.find(kPort) + kPort.size())));
  }

  void start() {
    std::vector<std::string> words = arguments();
    words.insert(words.begin(), "webhook");
    start(programUnderTest(), words);
  }

  /// The answer to one request on a connection of its own.
  std::string ask(std::string_view path, std::string_view body) const {
    http::TlsClient client(port);
    return client.ask(
        fmt::format("POST {} HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\n"
                    "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                    path, body.size(), body));
  }
  std::string judge(std::string_view body) const { return ask("/validate-resource-claim-parameters", body); }

  /// Exit code and output of a start that fails.
  std::pair<int, std::string> failToStart() {
    std::vector<std::string> words = arguments();
    words.insert(words.begin(), "webhook");
    DaemonProcess program(words, {}, log);
    int code = program.wait().value_or(-1);
    return {code, logText()};
  }

  std::string logText() const { return contentOf(log); }

  fakes::TemporaryDirectory directory;
  std::filesystem::path log = directory.path() / "webhook.log";
  std::filesystem::path cert = directory.path() / "cert";
  fakes::TestCa ca{"authority"};
  int generation = 0;
  std::uint16_t port = 0;
  std::optional<DaemonProcess> process;
};

TEST_F(WebhookTest, WithoutACertificateItEndsAndSaysWhatToDo) {
  std::filesystem::remove(cert / "..data");

  EXPECT_THAT(failToStart(), testing::Pair(1, AllOf(HasSubstr("Error: serve the webhook: certificate"),
                                                    HasSubstr("tls.crt"), HasSubstr("kubernetes.io/tls"))));
}

TEST_F(WebhookTest, WithAnExpiredCertificateItEndsAndSaysWhatToDo) {
  publish(ca.issue("old", {}, -std::chrono::minutes(1)));

  EXPECT_THAT(failToStart(), testing::Pair(1, AllOf(HasSubstr("expired on"), HasSubstr("; renew it"))));
}

TEST_F(WebhookTest, WithAHalfWrittenKeyItEndsAndSaysWhatToDo) {
  fakes::PemPair pair = ca.issue("second");
  publish({pair.certificate, pair.key.substr(0, 60)});

  EXPECT_THAT(failToStart(), testing::Pair(1, HasSubstr("expected the key of the certificate in")));
}

TEST_F(WebhookTest, WrongFlagsAreOneLineAndExitCodeTwo) {
  DaemonProcess program({"webhook"}, {}, log);

  EXPECT_EQ(program.wait(), 2);
  EXPECT_THAT(logText(), StartsWith("Error: Required flags \"tls-cert-file, tls-private-key-file\" not set"));
}

TEST_F(WebhookTest, AnUnknownProfileIsNamedAndExitCodeOne) {
  std::vector<std::string> words = arguments();
  words.insert(words.begin(), "webhook");
  words.emplace_back("--device-profile=foo");
  DaemonProcess program(words, {}, log);

  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(logText(), StartsWith("Error: invalid device profile \"foo\", valid profiles are ["));
}

TEST_F(WebhookTest, ClaimsAreJudgedOverTls) {
  start();

  EXPECT_THAT(judge(review("Long")), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\"allowed\":true")));
  EXPECT_THAT(judge(review("InvalidInterval")), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\"allowed\":false"),
                                                      HasSubstr("unknown time-slice interval: InvalidInterval")));
  EXPECT_THAT(ask("/readyz", ""), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\r\n\r\nok")));
}

TEST_F(WebhookTest, BadReviewsAreRefusedAndTheNextOneIsServed) {
  start();

  EXPECT_THAT(judge(""), AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("failed to read AdmissionReview")));
  EXPECT_THAT(judge(R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v9"})"),
              AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("admission.k8s.io/v9")));
  EXPECT_THAT(http::TlsClient(port).ask("POST /validate-resource-claim-parameters HTTP/1.1\r\nHost: x\r\n"
                                        "Content-Type: application/json\r\nContent-Length: 100000000\r\n\r\n{"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(http::TlsClient(port).ask("GET /readyz HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(judge(review("Long")), HasSubstr("\"allowed\":true"));
}

TEST_F(WebhookTest, ARenewedCertificateServesWithoutARestart) {
  start();
  ASSERT_EQ(http::TlsClient(port).serverName(), "first");

  fakes::PemPair second = ca.issue("second");
  publish({second.certificate, second.key.substr(0, 60)});
  EXPECT_EQ(http::TlsClient(port).serverName(), "first");
  EXPECT_THAT(logText(), HasSubstr("The certificate files cannot be used; the certificate that is in use stays"));
  publish(second);

  EXPECT_EQ(http::TlsClient(port).serverName(), "second");
  EXPECT_THAT(judge(review("Long")), HasSubstr("\"allowed\":true"));
}

TEST_F(WebhookTest, ItEndsBySignalAlthoughAClientIsConnected) {
  start();
  http::TlsClient idle(port);

  process->signal(SIGTERM);

  EXPECT_EQ(process->wait(), 0);
  EXPECT_THAT(logText(), HasSubstr("\"Stopped\""));
}

TEST_F(WebhookTest, TheReferenceDriversNameStartsIt) {
  std::filesystem::create_symlink(programUnderTest(), directory.path() / "dra-example-webhook");
  std::vector<std::string> words = arguments();
  words.insert(words.end(), {"--device-profile=gpu", "--driver-name=gpu.example.com"});

  start(directory.path() / "dra-example-webhook", words);

  EXPECT_THAT(judge(review("Long")), HasSubstr("\"allowed\":true"));
}

}  // namespace
}  // namespace simgpu::integration
