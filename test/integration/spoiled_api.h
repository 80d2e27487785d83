#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "fakes/test_ca.h"
#include "simgpu/standin/api_server.h"
#include "unit/kube/scripted_server.h"

namespace simgpu::integration {

/// A way to the stand-in API server on which a test can spoil every byte: between a client that speaks HTTP and the
/// stand-in, to which it hands on what is not spoiled, watches too.
class SpoiledApi {
 public:
  using Request = kube::ScriptedServer::Request;
  using Connection = kube::ScriptedServer::Connection;

  /// What happens to a request instead of an answer. True if that was it, and the connection is closed, or may be used
  /// again if a whole answer was sent; false if nothing happened, and the request goes on to the stand-in. Called from
  /// several threads.
  using Spoil = std::function<bool(const Request&, Connection&)>;

  /// `spoil` must return before the destructor can: what it waits for must have happened. With `tls`, for what happens
  /// before there is an answer: watches are not handed on.
  SpoiledApi(standin::ApiServer& api, Spoil spoil, std::optional<fakes::PemPair> tls = {});

  std::string url() const { return server_.url(); }

 private:
  void serve(Connection& connection);
  void handOn(const Request& request, Connection& connection);
  void handOnWatch(const Request& request, Connection& connection);

  std::unique_ptr<kube::Transport> transport_;
  Spoil spoil_;
  kube::ScriptedServer server_;  ///< The last: its threads use the others.
};

/// One piece of a body that is sent in pieces (RFC 9112 section 7.1).
std::string chunk(std::string_view piece);

/// The head of an answer whose body is sent in pieces.
constexpr std::string_view kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace simgpu::integration
