#include "unit/http/tls_client.h"

namespace simgpu::http {

TlsClient::TlsClient(std::uint16_t port, int highestVersion)
    : client_(port), context_(SSL_CTX_new(TLS_client_method())), tls_(SSL_new(context_.get())) {
  SSL_set_max_proto_version(tls_.get(), highestVersion);
  SSL_set_security_level(tls_.get(), 0);  // or it would not even offer old versions
  SSL_set_fd(tls_.get(), client_.descriptor());
  connected_ = SSL_connect(tls_.get()) == 1;
}

std::string TlsClient::serverName() const {
  X509* certificate = SSL_get0_peer_certificate(tls_.get());
  if (certificate == nullptr) {
    return "";
  }
  char name[200] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

std::string TlsClient::ask(std::string_view request) {
  SSL_write(tls_.get(), request.data(), static_cast<int>(request.size()));
  std::string answer;
  char bytes[1000];
  for (int count = 0; (count = SSL_read(tls_.get(), bytes, sizeof bytes)) > 0;) {
    answer.append(bytes, static_cast<std::size_t>(count));
  }
  return answer;
}

}  // namespace simgpu::http
