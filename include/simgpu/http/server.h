#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"

namespace simgpu::http {

/// One request, read completely. Header names are lower case.
struct Request {
  std::string method;
  std::string path;   ///< Without the query, still percent-encoded.
  std::string query;  ///< Without the question mark, still percent-encoded.
  std::map<std::string, std::string> headers;
  std::string body;
};

/// Sends the body of an answer piece by piece.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;

  /// Sends one piece at once. False when the client is gone or the server stops: return from the handler then.
  virtual bool write(std::string_view piece) = 0;

  /// Whether a `write` would still reach anybody. Cheap; for handlers that wait for something to send.
  virtual bool open() = 0;
};

/// The answer to a request: a body, or a function that streams one (`Transfer-Encoding: chunked`) until it returns.
struct Response {
  int status = 200;
  std::string contentType = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::function<void(BodyWriter&)> stream;
};

/// Certificate chain and private key in PEM, for TLS 1.2 and later.
///
/// They are read at the start, where a pair that cannot be used is an error, and again for each new connection: a pair
/// that replaced them, such as a renewed one in a mounted Secret, serves from then on. One that cannot be used, such as
/// a half-written one, is logged, and the last good one stays.
struct TlsFiles {
  std::string certificateFile;
  std::string privateKeyFile;
  base::Files& files;
  const base::Clock& clock;
};

struct ServerOptions {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6 literal to listen on. Empty: all interfaces, both families.
  std::uint16_t port = 0;             ///< 0: any free one.
  std::optional<TlsFiles> tls;
  std::size_t maxConnections = 64;  ///< One more ends the one that keeps us waiting longest, or waits for it.
  std::size_t maxHeaderBytes = 64 << 10;
  std::size_t maxBodyBytes = 4 << 20;
  int idleSeconds = 60;  ///< A connection that sends nothing that long is closed.
};

/// A small HTTP/1.1 server: one thread a connection, kept-alive, bounded in connections, header and body size and idle
/// time. The handler is called from several threads at once; an exception from it becomes a 500.
class Server {
 public:
  using Handler = std::function<Response(const Request&)>;

  /// Listens at once; unavailable with the address if it cannot.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler, base::Logger log);

  /// Stops accepting, ends streams, closes every connection and joins every thread.
  virtual ~Server() = default;

  virtual std::uint16_t port() const = 0;

  /// Stops accepting, closes the connections that are idle, and waits for the answers to requests that have begun, at
  /// most for `patience`. Nothing is served afterwards.
  virtual void drain(std::chrono::milliseconds patience) = 0;

  /// Drops every connection now, as a restart of the server would; it goes on accepting new ones.
  virtual void closeConnections() = 0;
};

}  // namespace simgpu::http
