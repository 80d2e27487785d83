#include "kubelet/acceptor.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace simgpu::kubelet {
namespace {

/// How long to leave a full table of open files alone.
constexpr int kPauseMilliseconds = 100;

/// Errors of accept(2) that belong to one connection, which is gone.
bool isOfOneConnection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EAGAIN || error == EPROTO || error == EPERM;
}

}  // namespace

Result<std::unique_ptr<Acceptor>> Acceptor::start(int listener, Handler handler) {
  FileDescriptor wakeUp(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeUp.valid()) {
    return unexpected(statusOfErrno(errno, "create an event descriptor"));
  }
  return std::unique_ptr<Acceptor>(new Acceptor(listener, std::move(wakeUp), std::move(handler)));
}

Acceptor::Acceptor(int listener, FileDescriptor wakeUp, Handler handler)
    : listener_(listener), wakeUp_(std::move(wakeUp)), handler_(std::move(handler)), thread_([this] { run(); }) {}

Acceptor::~Acceptor() {
  std::uint64_t one = 1;
  while (::write(wakeUp_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  thread_.join();
}

void Acceptor::run() {
  std::array<pollfd, 2> polled{pollfd{wakeUp_.get(), POLLIN, 0}, pollfd{listener_, POLLIN, 0}};
  for (;;) {
    ::poll(polled.data(), polled.size(), -1);
    if (polled[0].revents != 0) {
      return;
    }
    FileDescriptor connection(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) {
      // Has no effect, and does no harm, on a unix socket.
      int on = 1;
      ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      handler_(std::move(connection));
    } else if (!isOfOneConnection(errno)) {
      ::poll(polled.data(), 1, kPauseMilliseconds);
    }
  }
}

}  // namespace simgpu::kubelet
