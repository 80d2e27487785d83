#include "unit/http/client.h"

#include <arpa/inet.h>
#include <chrono>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace simgpu::http {

Client::Client(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close();
  }
}

Client::Client(Client&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Client::~Client() {
  close();
}

void Client::close() {
  if (descriptor_ >= 0) {
    ::close(std::exchange(descriptor_, -1));
  }
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool Client::hears(int milliseconds) {
  pollfd poll{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return ::poll(&poll, 1, milliseconds) > 0;
}

std::string Client::readUntil(std::string_view text) {
  std::string all;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (all.find(text) == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    if (!hears(100)) {
      continue;
    }
    char bytes[4096];
    ssize_t count = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (count <= 0) {
      break;
    }
    all.append(bytes, static_cast<std::size_t>(count));
  }
  return all;
}

std::string Client::readAll() {
  return readUntil("\n(no server sends this)\n");
}

}  // namespace simgpu::http
