#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"
#include "fakes/test_ca.h"
#include "simgpu/http/server.h"
#include "unit/http/tls_client.h"

namespace simgpu::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HttpTlsTest : public testing::Test {
 protected:
  HttpTlsTest() {
    fakes::PemPair pair = fakes::TestCa("authority").issue("localhost", "DNS:localhost");
    files.put("/cert/tls.crt", pair.certificate);
    files.put("/cert/tls.key", pair.key);
  }

  std::unique_ptr<Server> serve() {
    auto ok = [](const Request&) {
      return Response{.contentType = "text/plain", .headers = {}, .body = "ok", .stream = {}};
    };
    return Server::start({.tls = TlsFiles{"/cert/tls.crt", "/cert/tls.key", files, clock}}, ok, {}).value();
  }

  fakes::FakeFiles files;
  base::SystemClock clock;
};

TEST_F(HttpTlsTest, ACertificateThatCannotBeReadIsNamedAtTheStart) {
  ServerOptions options{.tls = TlsFiles{"/nowhere/tls.crt", "/cert/tls.key", files, clock}};

  EXPECT_THAT(Server::start(options, {}, {}), Fails(Code::notFound, HasSubstr("/nowhere/tls.crt")));
}

TEST_F(HttpTlsTest, AClientWithoutTlsGetsNothing) {
  auto server = serve();
  Client client(server->port());

  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_EQ(client.readAll().find("HTTP/1.1"), std::string::npos);
}

TEST_F(HttpTlsTest, AClientOfAnOldVersionOfTlsIsRefused) {
  auto server = serve();

  EXPECT_FALSE(TlsClient(server->port(), TLS1_1_VERSION).connected());
  EXPECT_TRUE(TlsClient(server->port(), TLS1_2_VERSION).connected());
  EXPECT_TRUE(TlsClient(server->port(), TLS1_3_VERSION).connected());
}

TEST_F(HttpTlsTest, ServesOverTls) {
  auto server = serve();
  TlsClient client(server->port());
  ASSERT_TRUE(client.connected());

  std::string answer = client.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nok"));
}

}  // namespace
}  // namespace simgpu::http
