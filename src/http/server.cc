#include "simgpu/http/server.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fcntl.h>
#include <list>
#include <mutex>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl.hpp>

#include "http/certificate.h"
#include "http/conversation.h"
#include "http/socket_stream.h"

namespace simgpu::http {

namespace {

/// How long a client may take to notice that we are done with it.
constexpr Milliseconds kLinger{1000};

/// How long a client may keep us waiting while others wait for its connection. In a burst all get their turn.
constexpr Milliseconds kGrace{1000};

/// How often to look for such a client.
constexpr Milliseconds kLookForRoom{100};

class BeastServer final : public Server {
 public:
  BeastServer(ServerOptions options, Handler handler, base::Logger log)
      : options_(std::move(options)), handler_(std::move(handler)), log_(std::move(log)), acceptor_(context_) {}

  ~BeastServer() override {
    stopping_ = true;
    closeConnections();
    stopAccepting();
    closeConnections();  // one may have been accepted meanwhile
    for (auto& connection : connections_) {
      connection.thread.join();
    }
    if (wake_ >= 0) {
      ::close(wake_);
    }
  }

  Status listen() {
    ErrorCode error;
    const bool everywhere = options_.address.empty();
    auto address =
        everywhere ? asio::ip::address(asio::ip::address_v6::any()) : asio::ip::make_address(options_.address, error);
    if (error) {
      return Status::invalidArgument("listen on {}: not an IP address", options_.address);
    }
    error = bind({address, options_.port}, everywhere);
    if (everywhere && (error == asio::error::address_family_not_supported || error.value() == EADDRNOTAVAIL)) {
      error = bind({asio::ip::address_v4::any(), options_.port}, false);  // a machine without IPv6
    }
    if (!error) {
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
    if (error) {
      return Status::unavailable("listen on {} port {}: {}", everywhere ? "any address," : options_.address,
                                 options_.port, error.message());
    }
    ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);  // Asio does not
    acceptor_.non_blocking(true, error);
    port_ = acceptor_.local_endpoint(error).port();
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    if (wake_ < 0) {
      return statusOfErrno(errno, "create an eventfd");
    }
    return {};
  }

  Status loadCertificate() {
    if (!options_.tls) {
      return {};
    }
    auto certificate = Certificate::load(*options_.tls, log_);
    if (!certificate) {
      return certificate.error();
    }
    certificate_ = *std::move(certificate);
    return {};
  }

  void startAccepting() {
    accepting_ = std::jthread([this] { acceptAll(); });
  }

  std::uint16_t port() const override { return port_; }

  void drain(Milliseconds patience) override {
    draining_ = true;
    stopAccepting();
    ErrorCode ignored;
    acceptor_.close(ignored);
    std::unique_lock lock(mutex_);
    for (auto& connection : connections_) {
      if (!connection.done && connection.idle) {
        ::shutdown(connection.descriptor, SHUT_RD);
      }
    }
    changed_.wait_for(lock, patience, [this] { return std::ranges::all_of(connections_, &Connection::done); });
  }

  void closeConnections() override {
    std::lock_guard lock(mutex_);
    for (auto& connection : connections_) {
      if (!connection.done) {
        ::shutdown(connection.descriptor, SHUT_RDWR);
      }
    }
  }

 private:
  struct Connection {
    int descriptor = -1;
    bool done = false;   ///< The descriptor is closed; the thread is about to end.
    bool ended = false;  ///< We have ended it, to make room for another.
    std::atomic<bool> idle = false;
    std::atomic<SteadyTime> waiting = std::chrono::steady_clock::now();
    std::jthread thread;
  };

  ErrorCode bind(const asio::ip::tcp::endpoint& endpoint, bool bothFamilies) {
    ErrorCode error;
    if (acceptor_.is_open()) {
      acceptor_.close(error);
    }
    if (acceptor_.open(endpoint.protocol(), error)) {
      return error;
    }
    acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (bothFamilies) {
      acceptor_.set_option(asio::ip::v6_only(false), error);
    }
    acceptor_.bind(endpoint, error);
    return error;
  }

  bool ending() const { return stopping_ || draining_; }

  void stopAccepting() {
    std::uint64_t one = 1;
    if (wake_ >= 0) {
      [[maybe_unused]] ssize_t written = ::write(wake_, &one, sizeof one);
    }
    {
      std::lock_guard lock(mutex_);  // whoever is about to wait has seen the flag, or sees this
      changed_.notify_all();
    }
    if (accepting_.joinable()) {
      accepting_.join();
    }
  }

  void acceptAll() {
    while (awaitClient() && awaitRoom()) {
      int descriptor = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
      if (descriptor < 0) {
        pauseAfterFailure();
        continue;
      }
      int on = 1;
      ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      std::lock_guard lock(mutex_);
      Connection& connection = connections_.emplace_back();
      connection.descriptor = descriptor;
      connection.thread = std::jthread([this, &connection] { serve(connection); });
    }
  }

  /// Out of descriptors, or a client that is gone already: neither may turn into a busy loop.
  void pauseAfterFailure() {
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) {
      return;
    }
    log_.error(statusOfErrno(errno, "accept a connection"), "Cannot accept HTTP connections");
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, Milliseconds(100), [this] { return ending(); });
  }

  /// Joins connections that ended, and makes room for one more: whoever only holds connections keeps nobody out.
  /// False: stop.
  bool awaitRoom() {
    std::list<Connection> ended;
    std::unique_lock lock(mutex_);
    auto hasRoom = [&] {
      for (auto each = connections_.begin(); each != connections_.end();) {
        auto next = std::next(each);
        if (each->done) {
          ended.splice(ended.end(), connections_, each);
        }
        each = next;
      }
      return ending() || connections_.size() < options_.maxConnections;
    };
    while (!hasRoom()) {
      endOldest();
      changed_.wait_for(lock, kLookForRoom, hasRoom);
    }
    lock.unlock();
    ended.clear();
    return !ending();
  }

  /// The connection that has kept us waiting longest, unless none has for long, or one is about to end already.
  void endOldest() {
    if (std::ranges::any_of(connections_, [](const Connection& each) { return each.ended && !each.done; })) {
      return;
    }
    auto oldest =
        std::ranges::min_element(connections_, {}, [](const Connection& each) { return each.waiting.load(); });
    SteadyTime since = oldest->waiting;
    if (since != kAnswering && std::chrono::steady_clock::now() - since >= kGrace) {
      oldest->ended = true;
      ::shutdown(oldest->descriptor, SHUT_RDWR);
    }
  }

  bool awaitClient() {
    pollfd polls[] = {{.fd = acceptor_.native_handle(), .events = POLLIN, .revents = 0},
                      {.fd = wake_, .events = POLLIN, .revents = 0}};
    while (!ending()) {
      if (::poll(polls, 2, -1) > 0) {
        return !ending();
      }
    }
    return false;
  }

  void serve(Connection& connection) {
    SocketStream socket(context_, connection.descriptor);
    try {
      if (certificate_) {
        converseTls(connection);
      } else {
        converse(socket, socket, connection);
      }
    } catch (const std::exception& problem) {
      log_.error(Status::internal("{}", problem.what()), "An HTTP connection failed");
    }
    linger(connection.descriptor);
    std::lock_guard lock(mutex_);
    ::close(connection.descriptor);
    connection.done = true;
    changed_.notify_all();
  }

  template <typename Stream>
  void converse(Stream& stream, SocketStream& socket, Connection& connection) {
    ConversationState state{
        .stopping = stopping_, .draining = draining_, .idle = connection.idle, .waiting = connection.waiting};
    Conversation<Stream>(stream, socket, options_, handler_, state, log_).run();
  }

  void converseTls(Connection& connection) {
    auto context = certificate_->current();
    asio::ssl::stream<SocketStream> stream(SocketStream(context_, connection.descriptor), *context);
    ErrorCode error;
    stream.next_layer().expiresAfter(std::chrono::seconds(options_.idleSeconds));
    stream.handshake(asio::ssl::stream_base::server, error);
    if (error) {
      return;
    }
    converse(stream, stream.next_layer(), connection);
    stream.next_layer().expiresAfter(kLinger);
    if (!stopping_) {
      stream.shutdown(error);
    }
  }

  /// Lets the client read our last answer: closing with unread input would reset the connection.
  void linger(int descriptor) {
    ::shutdown(descriptor, SHUT_WR);
    SocketStream socket(context_, descriptor);
    socket.expiresAfter(kLinger);
    char dropped[4096];
    ErrorCode error;
    while (!stopping_ && !error) {
      socket.read_some(asio::buffer(dropped), error);
    }
  }

  ServerOptions options_;
  Handler handler_;
  base::Logger log_;
  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_;
  std::unique_ptr<Certificate> certificate_;
  std::uint16_t port_ = 0;
  int wake_ = -1;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> draining_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Connection> connections_;
  std::jthread accepting_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler, base::Logger log) {
  auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler), std::move(log));
  if (Status status = server->loadCertificate(); !status) {
    return unexpected(status);
  }
  if (Status status = server->listen(); !status) {
    return unexpected(status);
  }
  server->startAccepting();
  return server;
}

}  // namespace simgpu::http
