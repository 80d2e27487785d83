#include "kubelet/acceptor.h"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace simgpu::kubelet {
namespace {

/// How long to leave a full table of open files alone.
constexpr int kPauseMilliseconds = 100;

/// Errors of accept(2) that belong to one connection, which is gone.
bool isOfOneConnection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EAGAIN || error == EPROTO || error == EPERM;
}

}  // namespace

Result<std::unique_ptr<Acceptor>> Acceptor::start(int listener, std::size_t maxConnections, Handler handler) {
  FileDescriptor wakeUp(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeUp.valid()) {
    return unexpected(statusOfErrno(errno, "create an event descriptor"));
  }
  return std::unique_ptr<Acceptor>(new Acceptor(listener, maxConnections, std::move(wakeUp), std::move(handler)));
}

Acceptor::Acceptor(int listener, std::size_t maxConnections, FileDescriptor wakeUp, Handler handler)
    : listener_(listener),
      maxConnections_(maxConnections),
      wakeUp_(std::move(wakeUp)),
      handler_(std::move(handler)),
      thread_([this] { run(); }) {}

Acceptor::~Acceptor() {
  std::uint64_t one = 1;
  while (::write(wakeUp_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  thread_.join();
}

void Acceptor::run() {
  while (awaitSomething()) {
    accept();
  }
}

/// Returns when somebody may want to connect, and forgets the connections that have ended. False: stop.
bool Acceptor::awaitSomething() {
  std::vector<pollfd> polled{{wakeUp_.get(), POLLIN, 0}, {listener_, POLLIN, 0}};
  for (const FileDescriptor& connection : open_) {
    polled.push_back({connection.get(), POLLRDHUP, 0});
  }
  ::poll(polled.data(), polled.size(), -1);
  std::size_t place = 2;
  std::erase_if(open_, [&](const FileDescriptor&) { return polled[place++].revents != 0; });
  return polled[0].revents == 0;
}

void Acceptor::accept() {
  FileDescriptor connection(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (connection.valid() && makeRoom(connection)) {
    // Has no effect, and does no harm, on a unix socket.
    int on = 1;
    ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    handler_(std::move(connection));
  } else if (!isOfOneConnection(errno)) {
    pollfd stop{wakeUp_.get(), POLLIN, 0};
    ::poll(&stop, 1, kPauseMilliseconds);
  }
}

/// Counts a connection, in place of the oldest if there are too many. False, with errno, if there is no descriptor
/// left.
bool Acceptor::makeRoom(const FileDescriptor& connection) {
  if (maxConnections_ == 0) {
    return true;
  }
  FileDescriptor second(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
  if (!second.valid()) {
    return false;
  }
  if (open_.size() >= maxConnections_) {
    ::shutdown(open_.front().get(), SHUT_RDWR);
    open_.pop_front();
  }
  open_.push_back(std::move(second));
  return true;
}

}  // namespace simgpu::kubelet
