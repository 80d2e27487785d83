#include "http/socket_stream.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace simgpu::http {

namespace {

boost::system::error_code systemError(int number) {
  return {number, boost::system::system_category()};
}

}  // namespace

bool SocketStream::peerOpen() const {
  pollfd poll{.fd = descriptor_, .events = POLLRDHUP, .revents = 0};
  return ::poll(&poll, 1, 0) == 0;
}

bool SocketStream::awaitReady(short events, ErrorCode& error) const {
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
    if (left <= 0) {
      error = boost::asio::error::timed_out;
      return false;
    }
    pollfd poll{.fd = descriptor_, .events = events, .revents = 0};
    int ready = ::poll(&poll, 1, static_cast<int>(std::min<long long>(left, 60'000)));
    if (ready > 0) {
      return true;
    }
    if (ready < 0 && errno != EINTR) {
      error = systemError(errno);
      return false;
    }
  }
}

std::size_t SocketStream::receive(Pieces& pieces, ErrorCode& error) {
  msghdr message{};
  message.msg_iov = pieces.vectors.data();
  message.msg_iovlen = pieces.count;
  while (awaitReady(POLLIN, error)) {
    ssize_t count = ::recvmsg(descriptor_, &message, MSG_DONTWAIT);
    if (count > 0) {
      return static_cast<std::size_t>(count);
    }
    if (count == 0) {
      error = boost::asio::error::eof;
      return 0;
    }
    if (errno != EAGAIN && errno != EINTR) {
      error = systemError(errno);
      return 0;
    }
  }
  return 0;
}

std::size_t SocketStream::send(Pieces& pieces, ErrorCode& error) {
  msghdr message{};
  message.msg_iov = pieces.vectors.data();
  message.msg_iovlen = pieces.count;
  while (awaitReady(POLLOUT, error)) {
    ssize_t count = ::sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      return static_cast<std::size_t>(count);
    }
    if (errno != EAGAIN && errno != EINTR) {
      error = systemError(errno);
      return 0;
    }
  }
  return 0;
}

}  // namespace simgpu::http
