#include "http/certificate.h"

#include <chrono>

#include <boost/asio/buffer.hpp>
#include <fmt/chrono.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace simgpu::http {
namespace {

using ErrorCode = boost::system::error_code;

/// OpenSSL would otherwise ask for the password of an encrypted key at the terminal.
int noPassword(char*, int, int, void*) {
  return -1;
}

std::time_t expiryOf(Certificate::Context& context) {
  const X509* certificate = SSL_CTX_get0_certificate(context.native_handle());
  std::tm time{};
  ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time);
  return ::timegm(&time);
}

}  // namespace

Result<std::unique_ptr<Certificate>> Certificate::load(TlsFiles files, base::Logger log) {
  std::unique_ptr<Certificate> certificate(new Certificate(std::move(files), std::move(log)));
  if (Status usable = certificate->refresh(); !usable) {
    return unexpected(usable);
  }
  return certificate;
}

std::shared_ptr<Certificate::Context> Certificate::current() {
  std::lock_guard lock(mutex_);
  Status usable = refresh();
  if (!usable && usable.message() != complaint_) {
    log_.error(usable, "The certificate files cannot be used; the certificate that is in use stays");
  }
  complaint_ = usable.message();
  return context_;
}

Result<Certificate::Pair> Certificate::read() const {
  auto certificate = files_.files.read(files_.certificateFile);
  if (!certificate) {
    return unexpected(certificate.error().with("certificate"));
  }
  auto key = files_.files.read(files_.privateKeyFile);
  if (!key) {
    return unexpected(key.error().with("private key"));
  }
  return Pair{*std::move(certificate), *std::move(key)};
}

Status Certificate::refresh() {
  auto pair = read();
  if (!pair) {
    return pair.error();
  }
  if (seen_ != *pair) {
    bool isFirst = context_ == nullptr;
    verdict_ = use(*pair);
    seen_ = *std::move(pair);
    if (verdict_ && !isFirst) {
      log_.info(
          "Using the new certificate",
          {{"file", files_.certificateFile}, {"expires", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(expires_))}});
    }
  }
  return verdict_ ? checkExpiry(expires_) : verdict_;
}

Status Certificate::use(const Pair& pair) {
  auto context = std::make_shared<Context>(Context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_default_passwd_cb(native, noPassword);
  ErrorCode error;
  context->use_certificate_chain(boost::asio::buffer(pair.certificate), error);
  if (error) {
    return Status::invalidArgument("certificate {}: expected one or more certificates in PEM: {}",
                                   files_.certificateFile, error.message());
  }
  context->use_private_key(boost::asio::buffer(pair.key), Context::pem, error);
  if (!error && SSL_CTX_check_private_key(native) == 1) {
    std::time_t expires = expiryOf(*context);
    if (Status valid = checkExpiry(expires); !valid) {
      return valid;
    }
    context_ = std::move(context);
    expires_ = expires;
    return {};
  }
  return Status::invalidArgument(
      "private key {}: expected the key of the certificate in {}, in PEM and without a password: {}",
      files_.privateKeyFile, files_.certificateFile, error ? error.message() : "it belongs to another certificate");
}

Status Certificate::checkExpiry(std::time_t expires) const {
  if (std::chrono::system_clock::to_time_t(files_.clock.wallTime()) <= expires) {
    return {};
  }
  return Status::failedPrecondition("certificate {}: expired on {:%Y-%m-%d at %H:%M:%S} UTC; renew it",
                                    files_.certificateFile, fmt::gmtime(expires));
}

}  // namespace simgpu::http
