#pragma once

#include <cerrno>
#include <chrono>
#include <sys/types.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>

namespace simgpu::http {

/// A connected socket as a synchronous Asio stream whose operations end at a deadline, which Asio's own blocking
/// sockets cannot do. Does not own the descriptor.
class SocketStream {
 public:
  using lowest_layer_type = SocketStream;
  using executor_type = boost::asio::io_context::executor_type;
  using ErrorCode = boost::system::error_code;

  /// `context` is only what ssl::stream asks for; nothing runs on it.
  SocketStream(boost::asio::io_context& context, int descriptor) : context_(&context), descriptor_(descriptor) {}

  lowest_layer_type& lowest_layer() { return *this; }
  executor_type get_executor() const { return context_->get_executor(); }

  /// Reads and writes after that fail with `timed_out`.
  void expiresAfter(std::chrono::milliseconds duration) { deadline_ = std::chrono::steady_clock::now() + duration; }

  /// Whether the peer has not closed its side, and nobody has shut the socket down.
  bool peerOpen() const;

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, ErrorCode& error) {
    error = {};
    Pieces pieces = gather<boost::asio::mutable_buffer>(buffers);
    return pieces.count == 0 ? 0 : receive(pieces, error);
  }

  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers, ErrorCode& error) {
    error = {};
    Pieces pieces = gather<boost::asio::const_buffer>(buffers);
    return pieces.count == 0 ? 0 : send(pieces, error);
  }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    ErrorCode error;
    std::size_t count = read_some(buffers, error);
    boost::asio::detail::throw_error(error);
    return count;
  }

  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers) {
    ErrorCode error;
    std::size_t count = write_some(buffers, error);
    boost::asio::detail::throw_error(error);
    return count;
  }

 private:
  /// Buffers in the form of the system calls, so that header and body leave in one packet.
  struct Pieces {
    std::array<iovec, 16> vectors{};
    std::size_t count = 0;
  };

  template <typename Buffer, typename Buffers>
  static Pieces gather(const Buffers& buffers) {
    Pieces pieces;
    auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto each = boost::asio::buffer_sequence_begin(buffers); each != end; ++each) {
      Buffer buffer(*each);
      if (buffer.size() > 0 && pieces.count < pieces.vectors.size()) {
        pieces.vectors[pieces.count++] = {const_cast<void*>(static_cast<const void*>(buffer.data())), buffer.size()};
      }
    }
    return pieces;
  }

  std::size_t receive(Pieces& pieces, ErrorCode& error);
  std::size_t send(Pieces& pieces, ErrorCode& error);
  bool awaitReady(short events, ErrorCode& error) const;

  boost::asio::io_context* context_;
  int descriptor_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
};

}  // namespace simgpu::http
