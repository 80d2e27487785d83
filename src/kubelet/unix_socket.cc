#include "kubelet/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <expected>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include "kubelet/socket_names.h"

namespace simgpu::kubelet {
namespace {

/// `path` must not be longer than `kMaxSocketPath`.
sockaddr_un addressOf(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
  return address;
}

Status checkLength(const std::filesystem::path& path) {
  if (path.native().size() > kMaxSocketPath) {
    return Status::invalidArgument("the socket path {} has more than {} bytes", path.native(), kMaxSocketPath);
  }
  return {};
}

/// Binds with mode 0600 and listens, so that nobody can connect before and nobody else ever.
Result<FileDescriptor> bindAndListen(const std::filesystem::path& path) {
  FileDescriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor.valid()) {
    return unexpected(statusOfErrno(errno, "create a unix socket"));
  }
  sockaddr_un address = addressOf(path);
  if (::bind(descriptor.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return unexpected(statusOfErrno(errno, fmt::format("bind {}", path.native())));
  }
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) {
    return unexpected(statusOfErrno(errno, fmt::format("restrict {} to its owner", path.native())));
  }
  if (::listen(descriptor.get(), SOMAXCONN) != 0) {
    return unexpected(statusOfErrno(errno, fmt::format("listen on {}", path.native())));
  }
  return descriptor;
}

/// Fails with an errno.
std::expected<FileDescriptor, int> listenTcp(int family, std::uint16_t port) {
  FileDescriptor descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor.valid()) {
    return unexpected(errno);
  }
  int on = 1;
  int off = 0;
  ::setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  int bound = 0;
  if (family == AF_INET6) {
    ::setsockopt(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    bound = ::bind(descriptor.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    bound = ::bind(descriptor.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
  if (bound != 0 || ::listen(descriptor.get(), SOMAXCONN) != 0) {
    return unexpected(errno);
  }
  return descriptor;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = other.release();
  }
  return *this;
}

void FileDescriptor::close() {
  if (descriptor_ >= 0) {
    ::close(std::exchange(descriptor_, -1));
  }
}

Result<FileDescriptor> connectUnix(const std::filesystem::path& socket) {
  if (Status status = checkLength(socket); !status) {
    return unexpected(status);
  }
  FileDescriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor.valid()) {
    return unexpected(statusOfErrno(errno, "create a unix socket"));
  }
  sockaddr_un address = addressOf(socket);
  if (::connect(descriptor.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    return descriptor;
  }
  switch (errno) {
    case ENOENT:
      return unexpected(Status::notFound("there is no socket {}", socket.native()));
    case ECONNREFUSED:
      return unexpected(Status::failedPrecondition("nobody listens on {}", socket.native()));
    default:
      return unexpected(Status::unavailable("connect to {}: {}", socket.native(), std::strerror(errno)));
  }
}

std::string describePeer(const FileDescriptor& connection) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) {
    return "a process of another container";
  }
  return fmt::format("process {}", peer.pid);
}

bool mayBeServed(const std::filesystem::path& socket) {
  auto connection = connectUnix(socket);
  return connection ||
         (connection.error().code() != Code::notFound && connection.error().code() != Code::failedPrecondition);
}

Result<UnixListener> UnixListener::listen(base::Files& files, std::filesystem::path path) {
  if (Status status = checkLength(path); !status) {
    return unexpected(status);
  }
  std::filesystem::path hidden = path.parent_path() / hiddenSocketName(path.filename().native());
  if (Status status = files.remove(hidden); !status) {
    return unexpected(status.with("replace {}", hidden.native()));
  }
  auto descriptor = bindAndListen(hidden);
  if (!descriptor) {
    (void)files.remove(hidden);
    return unexpected(descriptor.error());
  }
  auto info = files.info(hidden);
  Status shown = info ? files.rename(hidden, path) : info.error();
  if (!shown) {
    (void)files.remove(hidden);
    return unexpected(shown.with("show the socket {}", path.native()));
  }
  return UnixListener(files, std::move(*descriptor), std::move(path), info->inode);
}

Status UnixListener::check() const {
  auto info = files_->info(path_);
  if (!info) {
    return info.error().with("the socket {} was taken away", path_.native());
  }
  if (info->inode != inode_) {
    return Status::failedPrecondition("the socket {} was replaced by another file", path_.native());
  }
  return {};
}

void UnixListener::hide() {
  if (descriptor_.valid() && !hidden_) {
    hidden_ = true;
    if (check()) {
      (void)files_->remove(path_);
    }
  }
}

Result<FileDescriptor> listenTcp(std::uint16_t port) {
  auto descriptor = listenTcp(AF_INET6, port);
  if (!descriptor && (descriptor.error() == EAFNOSUPPORT || descriptor.error() == EADDRNOTAVAIL)) {
    descriptor = listenTcp(AF_INET, port);
  }
  if (!descriptor) {
    return unexpected(statusOfErrno(descriptor.error(), fmt::format("listen on TCP port {}", port)));
  }
  return std::move(*descriptor);
}

Result<std::uint16_t> portOf(const FileDescriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return unexpected(statusOfErrno(errno, "ask for the port of a socket"));
  }
  // The port is at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace simgpu::kubelet
