#include <gmock/gmock.h>

#include "unit/kube/transport_fixture.h"

namespace simgpu::kube {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class CurlTlsTest : public TransportTest {
 protected:
  static ScriptedServer::Script hello() {
    return eachRequest([](auto&, auto& connection) { connection.answer(200, "{}"); });
  }

  fakes::TestCa ca{"right"};
  fakes::TestCa otherCa{"wrong"};
};

TEST_F(CurlTlsTest, AServerOfAnotherAuthorityIsRefusedAndGetsNoToken) {
  ScriptedServer server(hello(), ca.issue("server", "IP:127.0.0.1"));
  config.certificateAuthority.inlineData = otherCa.certificate();
  config.token = "s3cret";
  open(server.url());
  EXPECT_THAT(fetch("/x"),
              Fails(Code::unavailable, AllOf(HasSubstr("the certificate of the API server " + server.url()),
                                             HasSubstr("not trusted by the certificate authority in /kubeconfig"),
                                             Not(HasSubstr("s3cret")))));
  EXPECT_THAT(server.requests(), SizeIs(0));
}

TEST_F(CurlTlsTest, WithoutAnAuthorityTheSystemsDecide) {
  ScriptedServer server(hello(), ca.issue("server", "IP:127.0.0.1"));
  open(server.url());
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr("not trusted by the system's certificate authorities")));
}

TEST_F(CurlTlsTest, ACertificateOfAnotherHostIsRefused) {
  ScriptedServer server(hello(), ca.issue("server", "DNS:elsewhere"));
  config.certificateAuthority.inlineData = ca.certificate();
  open(server.url());
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr("not trusted")));
}

TEST_F(CurlTlsTest, AnAuthorityThatIsNoCertificateIsNamed) {
  ScriptedServer server(hello(), ca.issue("server", "IP:127.0.0.1"));
  files.put("/ca.crt", "not PEM");
  config.certificateAuthority.file = "/ca.crt";
  open(server.url());
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr("/ca.crt")));
}

TEST_F(CurlTlsTest, AServerOfAnOldVersionOfTlsIsRefused) {
  ScriptedServer server(hello(), ca.issue("server", "IP:127.0.0.1"));
  config.certificateAuthority.inlineData = ca.certificate();
  open(server.url());
  server.speakOnly(TLS1_1_VERSION);
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr(server.url())));
  EXPECT_THAT(server.requests(), SizeIs(0));
  server.speakOnly(TLS1_2_VERSION);
  EXPECT_OK(fetch("/x"));
  EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST_F(CurlTlsTest, AServerOfTheAuthorityIsTrusted) {
  ScriptedServer server(hello(), ca.issue("server", "IP:127.0.0.1"));
  config.certificateAuthority.inlineData = ca.certificate();
  open(server.url());
  EXPECT_OK(fetch("/x"));
  EXPECT_OK(fetch("/x"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CurlTlsTest, AnAuthorityThatIsReplacedIsPickedUp) {
  ScriptedServer server(hello(), ca.issue("server", "IP:127.0.0.1"));
  files.put("/ca.crt", otherCa.certificate());
  config.certificateAuthority.file = "/ca.crt";
  open(server.url());
  ASSERT_FALSE(fetch("/x"));

  files.put("/ca.crt", ca.certificate());

  EXPECT_OK(fetch("/x"));
}

TEST_F(CurlTlsTest, VerificationIsOffOnlyIfConfigured) {
  ScriptedServer server(hello(), ca.issue("server", "DNS:elsewhere"));
  config.insecureSkipTlsVerify = true;
  open(server.url());
  EXPECT_OK(fetch("/x"));
}

TEST_F(CurlTlsTest, TheTlsServerNameReplacesTheHostInTheCertificateOnly) {
  ScriptedServer server(hello(), ca.issue("server", "DNS:kube.example"));
  config.certificateAuthority.inlineData = ca.certificate();
  config.tlsServerName = "kube.example";
  open(server.url() + "/prefix");
  ASSERT_OK(fetch("/x"));
  auto request = server.requests().at(0);
  EXPECT_EQ("https://" + request.headers["host"], server.url());
  EXPECT_EQ(request.target, "/prefix/x");
}

TEST_F(CurlTlsTest, TheClientCertificateIsShownAndItsReplacementToo) {
  ScriptedServer server(eachRequest([](auto& request, auto& connection) {
                          connection.answer(request.clientName == "new" ? 200 : 401, "{}");
                        }),
                        ca.issue("server", "IP:127.0.0.1"));
  auto put = [&](const fakes::PemPair& pair) {
    files.put("/c.crt", pair.certificate);
    files.put("/c.key", pair.key);
  };
  put(ca.issue("old"));
  config.certificateAuthority.inlineData = ca.certificate();
  config.clientCertificate.file = "/c.crt";
  config.clientKey.file = "/c.key";
  open(server.url());
  auto refused = fetch("/x");
  ASSERT_OK(refused);
  EXPECT_EQ(refused->status, 401);
  EXPECT_THAT(server.requests(), SizeIs(1));

  put(ca.issue("new"));

  auto accepted = fetch("/x");
  ASSERT_OK(accepted);
  EXPECT_EQ(accepted->status, 200);
}

TEST_F(CurlTlsTest, AKeyThatDoesNotFitIsAFailureOfTheClientCertificate) {
  ScriptedServer server(hello(), ca.issue("server", "IP:127.0.0.1"));
  config.certificateAuthority.inlineData = ca.certificate();
  config.clientCertificate.inlineData = ca.issue("a").certificate;
  config.clientKey.inlineData = ca.issue("b").key;
  open(server.url());
  EXPECT_THAT(fetch("/x"), Fails(Code::unavailable, HasSubstr("client certificate cannot be used")));
}

}  // namespace
}  // namespace simgpu::kube
