#pragma once

#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/http/server.h"

namespace simgpu::http {

/// The certificate of a server, made of two files that may be replaced at any time. Safe to use from several threads.
class Certificate {
 public:
  using Context = boost::asio::ssl::context;

  /// Fails, naming the file and what to do about it, if the pair cannot be used: missing, not PEM, not a pair, expired.
  static Result<std::unique_ptr<Certificate>> load(TlsFiles files, base::Logger log);

  /// The context for a new connection. Reads the files, which costs little next to a handshake, and follows no links
  /// by itself, so that any way of replacing them is noticed. A pair that cannot be used leaves the last good one in
  /// use, and is logged once.
  std::shared_ptr<Context> current();

 private:
  struct Pair {
    std::string certificate;
    std::string key;

    bool operator==(const Pair&) const = default;
  };

  Certificate(TlsFiles files, base::Logger log) : files_(std::move(files)), log_(std::move(log)) {}

  Result<Pair> read() const;
  Status refresh();
  Status use(const Pair& pair);
  Status checkExpiry(std::time_t expires) const;

  TlsFiles files_;
  base::Logger log_;
  std::mutex mutex_;
  std::optional<Pair> seen_;  ///< What the files held when they were read last.
  Status verdict_;            ///< Why that is not in use; ok if it is.
  std::shared_ptr<Context> context_;
  std::time_t expires_ = 0;  ///< When the certificate in use does.
  std::string complaint_;    ///< What was logged last, and is still so.
};

}  // namespace simgpu::http
