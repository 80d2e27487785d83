#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <openssl/x509.h>

namespace simgpu::fakes {

/// A certificate and its key in PEM.
struct PemPair {
  std::string certificate;
  std::string key;
};

/// A certificate authority that lives as long as its test.
class TestCa {
 public:
  explicit TestCa(const std::string& name);

  /// PEM of the authority's own certificate.
  std::string certificate() const;

  /// A certificate for this common name. `alternative`: for example `IP:127.0.0.1` or `DNS:kube`; empty for a client.
  /// Valid for an hour before and `lifetime` after now.
  PemPair issue(const std::string& name, const std::string& alternative = {},
                std::chrono::seconds lifetime = std::chrono::hours(1)) const;

 private:
  struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  using Certificate = std::unique_ptr<X509, Free>;
  using Key = std::unique_ptr<EVP_PKEY, Free>;

  static Certificate make(const std::string& name, const std::string& extension, int nid, EVP_PKEY* key, X509* issuer,
                          EVP_PKEY* issuerKey, std::chrono::seconds lifetime);

  Key key_;
  Certificate certificate_;
};

}  // namespace simgpu::fakes
