#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/result.h"

namespace simgpu::kube {

/// One HTTP request to the API server. The transport adds server, credentials and User-Agent.
struct HttpRequest {
  std::string method = "GET";
  std::string target;  ///< Path and query, escaped: `/api/v1/nodes/n?…`.
  std::string body;
  std::string contentType = "application/json";
  std::string accept = "application/json";
  base::Clock::TimePoint deadline;  ///< No request is without one. A stream's: until its headers have arrived.
};

/// What the server answered, whatever it was: an HTTP error is not a failure of the transport.
struct HttpResponse {
  int status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retryAfter;
  std::vector<std::string> warnings;  ///< Texts of `Warning: 299` headers.
};

/// A running watch.
class HttpStream {
 public:
  /// What arrived since the last call.
  struct Batch {
    std::vector<std::string> lines;     ///< Complete lines without the newline.
    std::optional<Status> ended;        ///< Set once the stream is over; ok if the server ended it cleanly.
    std::optional<HttpResponse> error;  ///< The server answered another status than 200 (then `ended` is ok).
  };

  /// Ends the stream; no `wake` is called after the destructor returned, which waits for one that is running: do not
  /// hold a lock here that `wake` takes.
  virtual ~HttpStream() = default;

  /// Never blocks.
  virtual Batch take() = 0;
};

/// How bytes get to the API server: the seam at which tests and faults replace HTTP. Safe to use from several threads.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Starts a request. The future is always fulfilled, at the latest at the deadline: deadlineExceeded, or unavailable
  /// if there was no answer for another reason (connection, TLS, credentials), with a message that names the server;
  /// cancelled if the transport is destroyed meanwhile.
  virtual std::future<Result<HttpResponse>> send(HttpRequest request) = 0;

  /// Starts a streaming GET. `wake` is called from another thread whenever `take()` has something new; it must not call
  /// back into the stream, but may take locks under which `take()` is called. A line may be 16 MiB at most; longer ends
  /// the stream with invalidArgument. A stream on which nothing arrives for `silence` ends with deadlineExceeded.
  virtual std::unique_ptr<HttpStream> stream(HttpRequest request, std::chrono::seconds silence,
                                             std::function<void()> wake) = 0;
};

}  // namespace simgpu::kube
