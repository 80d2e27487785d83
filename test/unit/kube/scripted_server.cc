#include "unit/kube/scripted_server.h"

#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <fcntl.h>
#include <signal.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace simgpu::kube {
namespace {

ScriptedServer::Request parseHead(const std::string& head) {
  ScriptedServer::Request request;
  auto line = head.substr(0, head.find("\r\n"));
  auto space = line.find(' ');
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
  for (auto at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    auto end = head.find("\r\n", at + 2);
    auto field = head.substr(at + 2, end == std::string::npos ? end : end - at - 2);
    auto colon = field.find(": ");
    if (colon != std::string::npos) {
      auto name = field.substr(0, colon);
      for (auto& c : name) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      request.headers[name] = field.substr(colon + 2);
    }
    if (end == std::string::npos) {
      break;
    }
  }
  return request;
}

std::string commonName(SSL* tls) {
  std::array<char, 64> name{};
  if (X509* certificate = SSL_get1_peer_certificate(tls)) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
    X509_free(certificate);
  }
  return name.data();
}

SSL_CTX* contextOf(const fakes::PemPair& pair) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  BIO* certificate = BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size()));
  BIO* key = BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size()));
  X509* x509 = PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
  EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context, x509);
  SSL_CTX_use_PrivateKey(context, pkey);
  // Ask for a client certificate, and take any or none.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  X509_free(x509);
  EVP_PKEY_free(pkey);
  BIO_free(certificate);
  BIO_free(key);
  return context;
}

}  // namespace

std::size_t ScriptedServer::Connection::receive(char* data, std::size_t size) {
  auto count = tls_ ? SSL_read(tls_, data, static_cast<int>(size)) : recv(fd_, data, size, 0);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::optional<ScriptedServer::Request> ScriptedServer::Connection::read() {
  auto more = [this] {
    std::array<char, 4096> data;
    auto count = receive(data.data(), data.size());
    buffer_.append(data.data(), count);
    return count > 0;
  };
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) {
      return std::nullopt;
    }
  }
  auto request = parseHead(buffer_.substr(0, end));
  buffer_.erase(0, end + 4);
  request.clientName = clientName_;
  auto length = request.headers.count("content-length") ? std::stoul(request.headers["content-length"]) : 0;
  while (buffer_.size() < length) {
    if (!more()) {
      return std::nullopt;
    }
  }
  request.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  std::lock_guard lock(server->mutex_);
  server->requests_.push_back(request);
  return request;
}

void ScriptedServer::Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto count = tls_ ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                      : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void ScriptedServer::Connection::answer(int status, std::string_view body, std::string_view headers) {
  send(fmt::format("HTTP/1.1 {} Status\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), headers, body));
}

void ScriptedServer::Connection::hold() {
  std::array<char, 256> data;
  while (receive(data.data(), data.size()) > 0) {
  }
}

void ScriptedServer::Connection::reset() {
  linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

ScriptedServer::ScriptedServer(Script script, std::optional<fakes::PemPair> tls) : script_(std::move(script)) {
  if (tls) {
    context_ = contextOf(*tls);
  }
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 128) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the test cannot listen on 127.0.0.1");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { acceptAll(); });
}

ScriptedServer::~ScriptedServer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    for (auto& connection : connections_) {
      shutdown(connection.fd_, SHUT_RDWR);
    }
  }
  acceptor_.join();
  for (auto& connection : connections_) {
    connection.thread_.join();
    close(connection.fd_);
  }
  close(listener_);
  SSL_CTX_free(context_);
}

void ScriptedServer::speakOnly(int tlsVersion) {
  SSL_CTX_set_security_level(context_, 0);
  SSL_CTX_set_min_proto_version(context_, tlsVersion);
  SSL_CTX_set_max_proto_version(context_, tlsVersion);
}

std::string ScriptedServer::url() const {
  return fmt::format("{}://127.0.0.1:{}", context_ ? "https" : "http", port_);
}

std::vector<ScriptedServer::Request> ScriptedServer::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::acceptAll() {
  // For this thread and those it starts: OpenSSL writes without MSG_NOSIGNAL.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  for (;;) {
    int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    std::lock_guard lock(mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    auto& connection = connections_.emplace_back();
    connection.server = this;
    connection.fd_ = fd;
    connection.number = ++accepted_;
    connection.thread_ = std::jthread([this, &connection] { serve(connection); });
  }
}

void ScriptedServer::serve(Connection& connection) {
  if (context_) {
    connection.tls_ = SSL_new(context_);
    SSL_set_fd(connection.tls_, connection.fd_);
  }
  if (!connection.tls_ || SSL_accept(connection.tls_) == 1) {
    if (connection.tls_) {
      connection.clientName_ = commonName(connection.tls_);
    }
    script_(connection);
  }
  if (connection.tls_) {
    SSL_shutdown(connection.tls_);
    SSL_free(connection.tls_);
  }
  // The number stays reserved until the server's end, so that nobody shuts down a stranger's.
  linger how{};
  socklen_t size = sizeof how;
  getsockopt(connection.fd_, SOL_SOCKET, SO_LINGER, &how, &size);
  if (how.l_onoff != 0) {
    int placeholder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    dup3(placeholder, connection.fd_, O_CLOEXEC);  // closes the connection, which resets it
    close(placeholder);
  } else {
    shutdown(connection.fd_, SHUT_RDWR);
  }
}

ScriptedServer::Script eachRequest(
    std::function<void(const ScriptedServer::Request&, ScriptedServer::Connection&)> answer) {
  return [answer = std::move(answer)](ScriptedServer::Connection& connection) {
    while (auto request = connection.read()) {
      answer(*request, connection);
    }
  };
}

bool eventually(const std::function<bool()>& condition) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace simgpu::kube
