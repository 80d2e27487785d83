#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <openssl/ssl.h>

#include "fakes/test_ca.h"

namespace simgpu::kube {

/// An HTTP/1.1 server on a loopback port whose every byte, and every lack of one, the test decides. One thread a
/// connection runs the script. All threads end in the destructor.
class ScriptedServer {
 public:
  struct Request {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;
    std::string clientName;  ///< Common name of the client certificate, if there was one.
  };

  class Connection {
   public:
    /// The next request; nothing if the client is gone or the server stops.
    std::optional<Request> read();

    void send(std::string_view bytes);

    /// A complete answer; `headers` are lines that end in `\r\n`.
    void answer(int status, std::string_view body, std::string_view headers = {});

    /// Waits until the client is gone or the server stops.
    void hold();

    /// Closes with a reset instead of a goodbye.
    void reset();

    int number = 0;  ///< From 1 on, in the order of accepting.

   private:
    friend class ScriptedServer;
    std::size_t receive(char* data, std::size_t size);

    ScriptedServer* server = nullptr;
    int fd_ = -1;
    SSL* tls_ = nullptr;
    std::string clientName_;
    std::string buffer_;
    std::jthread thread_;
  };

  using Script = std::function<void(Connection&)>;

  explicit ScriptedServer(Script script, std::optional<fakes::PemPair> tls = {});
  ~ScriptedServer();

  /// Speaks this version of TLS and no other from now on, however weak its ciphers.
  void speakOnly(int tlsVersion);

  std::string url() const;
  std::vector<Request> requests() const;
  int connections() const { return accepted_; }

 private:
  void acceptAll();
  void serve(Connection& connection);

  const Script script_;
  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> accepted_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::list<Connection> connections_;
  bool stopping_ = false;
  std::jthread acceptor_;
};

/// Answers every request of a connection by `answer(request, connection)`.
ScriptedServer::Script eachRequest(
    std::function<void(const ScriptedServer::Request&, ScriptedServer::Connection&)> answer);

/// Whether the condition becomes true within ten seconds.
bool eventually(const std::function<bool()>& condition);

}  // namespace simgpu::kube
