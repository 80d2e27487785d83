#include <filesystem>
#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "fakes/result_matchers.h"
#include "simgpu/http/server.h"
#include "unit/http/client.h"

namespace simgpu::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A self-signed certificate in a directory of its own.
class HttpTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/http_tls_test.XXXXXX";
    directory = ::mkdtemp(name);
    files = {directory / "tls.crt", directory / "tls.key"};
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key, EVP_sha256());
    FILE* file = ::fopen(files.certificateFile.c_str(), "w");
    PEM_write_X509(file, certificate);
    ::fclose(file);
    file = ::fopen(files.privateKeyFile.c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    ::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  void TearDown() override { std::filesystem::remove_all(directory); }

  std::filesystem::path directory;
  TlsFiles files;
};

Response ok(const Request&) {
  return {.contentType = "text/plain", .headers = {}, .body = "ok", .stream = {}};
}

TEST_F(HttpTlsTest, AMissingCertificateIsNamed) {
  ServerOptions options{.tls = TlsFiles{"/nowhere/tls.crt", files.privateKeyFile}};

  EXPECT_THAT(Server::start(options, ok, {}), Fails(Code::invalidArgument, HasSubstr("/nowhere/tls.crt")));
}

TEST_F(HttpTlsTest, AClientWithoutTlsGetsNothing) {
  auto server = Server::start({.tls = files}, ok, {}).value();
  Client client(server->port());

  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_EQ(client.readAll().find("HTTP/1.1"), std::string::npos);
}

TEST_F(HttpTlsTest, ServesOverTls) {
  auto server = Server::start({.tls = files}, ok, {}).value();
  Client client(server->port());
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, client.descriptor());
  ASSERT_EQ(SSL_connect(tls), 1);

  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  SSL_write(tls, kRequest.data(), kRequest.size());
  std::string answer;
  char bytes[1000];
  for (int count = 0; (count = SSL_read(tls, bytes, sizeof bytes)) > 0;) {
    answer.append(bytes, static_cast<std::size_t>(count));
  }

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nok"));
  SSL_free(tls);
  SSL_CTX_free(context);
}

}  // namespace
}  // namespace simgpu::http
