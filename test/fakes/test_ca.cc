#include "fakes/test_ca.h"

#include <atomic>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace simgpu::fakes {
namespace {

template <typename Write>
std::string pem(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

TestCa::TestCa(const std::string& name)
    : key_(EVP_EC_gen("P-256")),
      certificate_(make(name, "critical,CA:TRUE", NID_basic_constraints, key_.get(), nullptr, key_.get(),
                        std::chrono::hours(1))) {}

std::string TestCa::certificate() const {
  return pem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate_.get()); });
}

PemPair TestCa::issue(const std::string& name, const std::string& alternative, std::chrono::seconds lifetime) const {
  Key key(EVP_EC_gen("P-256"));
  auto certificate = make(name, alternative, NID_subject_alt_name, key.get(), certificate_.get(), key_.get(), lifetime);
  return {pem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); }),
          pem([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

TestCa::Certificate TestCa::make(const std::string& name, const std::string& extension, int nid, EVP_PKEY* key,
                                 X509* issuer, EVP_PKEY* issuerKey, std::chrono::seconds lifetime) {
  static std::atomic<long> serial = 1;
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), lifetime.count());
  X509_set_pubkey(certificate.get(), key);
  auto* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), issuer ? X509_get_subject_name(issuer) : subject);
  if (!extension.empty()) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer : certificate.get(), certificate.get(), nullptr, nullptr, 0);
    auto* added = X509V3_EXT_conf_nid(nullptr, &context, nid, extension.c_str());
    X509_add_ext(certificate.get(), added, -1);
    X509_EXTENSION_free(added);
  }
  X509_sign(certificate.get(), issuerKey, EVP_sha256());
  return certificate;
}

}  // namespace simgpu::fakes
