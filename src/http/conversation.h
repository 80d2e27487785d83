#pragma once

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "http/socket_stream.h"
#include "simgpu/http/server.h"

namespace simgpu::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using ErrorCode = boost::system::error_code;
using Milliseconds = std::chrono::milliseconds;

using SteadyTime = std::chrono::steady_clock::time_point;

inline constexpr SteadyTime kAnswering = SteadyTime::max();
inline constexpr int kHttp11 = 11;
inline constexpr std::size_t kFirstRead = 4096;

inline std::string lowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

inline Request toRequest(bhttp::request<bhttp::string_body>&& message) {
  Request request;
  request.method = std::string(message.method_string());
  std::string_view target(message.target().data(), message.target().size());
  auto question = target.find('?');
  request.path = std::string(target.substr(0, question));
  request.query = question == std::string_view::npos ? "" : std::string(target.substr(question + 1));
  for (const auto& field : message) {
    std::string_view name(field.name_string().data(), field.name_string().size());
    request.headers[lowerCase(name)] = std::string(field.value());
  }
  request.body = std::move(message.body());
  return request;
}

template <typename Message>
void setHeaders(Message& message, const Response& response, bool keepAlive) {
  message.set(bhttp::field::content_type, response.contentType);
  for (const auto& [name, value] : response.headers) {
    message.insert(name, value);
  }
  message.keep_alive(keepAlive);
}

/// The status that answers a request which could not be read; 0: none, the client is gone or silent.
inline int statusOfReadError(const ErrorCode& error) {
  if (error == bhttp::error::header_limit) {
    return 431;
  }
  if (error == bhttp::error::body_limit) {
    return 413;
  }
  if (error == bhttp::error::end_of_stream || error == bhttp::error::partial_message) {
    return 0;
  }
  return error.category() == bhttp::make_error_code(bhttp::error::bad_method).category() ? 400 : 0;
}

/// Sends pieces as chunks over the connection's stream.
template <typename Stream>
class ChunkWriter final : public BodyWriter {
 public:
  ChunkWriter(Stream& stream, SocketStream& socket, Milliseconds patience, const std::atomic<bool>& stopping)
      : stream_(stream), socket_(socket), patience_(patience), stopping_(stopping) {}

  bool write(std::string_view piece) override {
    if (failed_ || stopping_) {
      return false;
    }
    if (piece.empty()) {
      return true;  // an empty chunk would end the body
    }
    ErrorCode error;
    socket_.expiresAfter(patience_);
    asio::write(stream_, bhttp::make_chunk(asio::buffer(piece.data(), piece.size())), error);
    failed_ = error.failed();
    return !failed_;
  }

  bool open() override { return !failed_ && !stopping_ && socket_.peerOpen(); }

  bool failed() const { return failed_; }

 private:
  Stream& stream_;
  SocketStream& socket_;
  Milliseconds patience_;
  const std::atomic<bool>& stopping_;
  bool failed_ = false;
};

/// What a conversation and its server tell each other.
struct ConversationState {
  const std::atomic<bool>& stopping;  ///< End now.
  const std::atomic<bool>& draining;  ///< End after the answer to the request that has begun.
  std::atomic<bool>& idle;            ///< No request has begun.
  std::atomic<SteadyTime>& waiting;   ///< Since when we wait for the client; kAnswering: not now, it waits for us.
};

/// The conversation on one connection, over plain TCP or TLS.
template <typename Stream>
class Conversation {
 public:
  Conversation(Stream& stream, SocketStream& socket, const ServerOptions& options, const Server::Handler& handler,
               const ConversationState& state, const base::Logger& log)
      : stream_(stream),
        socket_(socket),
        options_(options),
        handler_(handler),
        state_(state),
        log_(log),
        patience_(std::chrono::seconds(options.idleSeconds)) {}

  void run() {
    while (!state_.stopping && awaitRequest() && serveOne()) {
    }
  }

 private:
  /// Waits for the first bytes of a request. Until then nobody loses anything if the connection is closed.
  bool awaitRequest() {
    if (buffer_.size() > 0) {
      return !state_.draining;
    }
    state_.idle = true;
    if (state_.draining) {  // asked after saying so, as drain() asks the other way round
      return false;
    }
    ErrorCode error;
    socket_.expiresAfter(patience_);
    std::size_t count = stream_.read_some(buffer_.prepare(kFirstRead), error);
    state_.idle = false;
    buffer_.commit(count);
    return !error;
  }

  /// False when the connection is to be closed.
  bool serveOne() {
    bhttp::request_parser<bhttp::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options_.maxHeaderBytes));
    parser.body_limit(options_.maxBodyBytes);
    ErrorCode error;
    readRequest(parser, error);
    if (error) {
      if (int status = statusOfReadError(error); status != 0) {
        sendBody({.status = status, .contentType = "text/plain", .body = error.message() + "\n"}, false, false);
      }
      return false;
    }
    bool keepAlive = parser.get().keep_alive();
    bool head = parser.get().method() == bhttp::verb::head;
    bool chunksUnderstood = parser.get().version() >= kHttp11;
    state_.waiting = kAnswering;
    Response response = answer(toRequest(parser.release()));
    keepAlive = keepAlive && !state_.draining;
    bool sent = response.stream && !head ? chunksUnderstood && sendStream(response, keepAlive)
                                         : sendBody(response, keepAlive, head);
    state_.waiting = std::chrono::steady_clock::now();
    return sent && keepAlive;
  }

  void readRequest(bhttp::request_parser<bhttp::string_body>& parser, ErrorCode& error) {
    socket_.expiresAfter(patience_);
    bhttp::read_header(stream_, buffer_, parser, error);
    if (error) {
      return;
    }
    if (beast::iequals(parser.get()[bhttp::field::expect], "100-continue") && !parser.is_done()) {
      bhttp::response<bhttp::empty_body> goOn(bhttp::status::continue_, kHttp11);
      bhttp::write(stream_, goOn, error);
      if (error) {
        return;
      }
    }
    socket_.expiresAfter(patience_);
    bhttp::read(stream_, buffer_, parser, error);
  }

  Response answer(const Request& request) {
    try {
      return handler_(request);
    } catch (const std::exception& problem) {
      log_.error(Status::internal("{}", problem.what()), "Cannot handle an HTTP request", {{"path", request.path}});
    } catch (...) {
      log_.error(Status::internal("unknown exception"), "Cannot handle an HTTP request", {{"path", request.path}});
    }
    return {.status = 500, .contentType = "text/plain", .headers = {}, .body = "internal error\n", .stream = {}};
  }

  bool sendBody(const Response& response, bool keepAlive, bool head) {
    bhttp::response<bhttp::string_body> message;
    message.result(static_cast<unsigned>(response.status));
    message.version(kHttp11);
    setHeaders(message, response, keepAlive);
    message.content_length(response.body.size());
    if (!head) {
      message.body() = response.body;
    }
    ErrorCode error;
    socket_.expiresAfter(patience_);
    bhttp::serializer<false, bhttp::string_body> serializer(message);
    if (head) {
      bhttp::write_header(stream_, serializer, error);
    } else {
      bhttp::write(stream_, serializer, error);
    }
    return !error;
  }

  bool sendStream(const Response& response, bool keepAlive) {
    bhttp::response<bhttp::empty_body> message;
    message.result(static_cast<unsigned>(response.status));
    message.version(kHttp11);
    setHeaders(message, response, keepAlive);
    message.chunked(true);
    ErrorCode error;
    socket_.expiresAfter(patience_);
    bhttp::serializer<false, bhttp::empty_body> serializer(message);
    bhttp::write_header(stream_, serializer, error);
    if (error) {
      return false;
    }
    ChunkWriter<Stream> writer(stream_, socket_, patience_, state_.stopping);
    try {
      response.stream(writer);
    } catch (const std::exception& problem) {
      log_.error(Status::internal("{}", problem.what()), "Cannot finish a streamed HTTP answer");
      return false;
    }
    if (writer.failed() || state_.stopping) {
      return false;
    }
    socket_.expiresAfter(patience_);
    asio::write(stream_, bhttp::make_chunk_last(), error);
    return !error;
  }

  Stream& stream_;
  SocketStream& socket_;
  const ServerOptions& options_;
  const Server::Handler& handler_;
  ConversationState state_;
  const base::Logger& log_;
  Milliseconds patience_;
  beast::flat_buffer buffer_;
};

}  // namespace simgpu::http
