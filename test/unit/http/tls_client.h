#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "unit/http/client.h"

namespace simgpu::http {

/// A client that speaks TLS and accepts any certificate.
class TlsClient {
 public:
  /// `highestVersion`: of TLS, such as TLS1_1_VERSION; 0: the highest that there is.
  explicit TlsClient(std::uint16_t port, int highestVersion = 0);

  bool connected() const { return connected_; }

  /// The common name in the server's certificate; empty without a connection.
  std::string serverName() const;

  /// Sends a request and reads the answer up to the end of the connection.
  std::string ask(std::string_view request);

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* tls) const { SSL_free(tls); }
  };

  Client client_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> tls_;
  bool connected_ = false;
};

}  // namespace simgpu::http
