#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "kubelet/acceptor.h"
#include "simgpu/base/result.h"

namespace simgpu::kubelet {

/// A gRPC server without ports of its own, fed with connections from a socket that is listening already.
class GrpcServer {
 public:
  struct Limits {
    int concurrentStreams = 1024;  ///< For each connection; a client lets further calls wait.
    int threads = 0;               ///< 0: as many as there are calls. Calls beyond it are answered RESOURCE_EXHAUSTED.
    int fewestPollers = 1;         ///< Threads that are kept waiting for calls, so that a call need not start one.
    int mostPollers = 2;           ///< A thread that finds as many waiting after its call ends.
    int requestBytes = 4 << 20;    ///< A longer request is answered RESOURCE_EXHAUSTED before it is read.
    std::size_t connections = 0;   ///< One more ends the one that is open longest; 0: as many as there are.
    std::chrono::milliseconds idleConnection{0};  ///< After this time without a call a connection is closed; 0: never.
    bool pingsAtWill = true;                      ///< Else a client that pings and calls nothing is sent away.
  };

  /// Serves `services` on the connections that `listener` accepts. Both must outlive the server.
  static Result<std::unique_ptr<GrpcServer>> start(int listener, const std::vector<grpc::Service*>& services,
                                                   Limits limits);

  ~GrpcServer() { stop(std::chrono::system_clock::now()); }

  /// Accepts no more connections.
  void stopAccepting() { acceptor_.reset(); }

  /// Lets running calls finish until `deadline`, cancels the others, and returns when all are done.
  void stop(std::chrono::system_clock::time_point deadline);

 private:
  explicit GrpcServer(std::unique_ptr<grpc::Server> server) : server_(std::move(server)) {}

  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Acceptor> acceptor_;
};

/// The status of an exception that must not leave an RPC: gRPC would answer UNKNOWN without a text, or, from a
/// callback, end the process. To be called from a catch block.
grpc::Status statusOfCurrentException();

/// What `call` answers; an exception becomes INTERNAL with its text.
inline grpc::Status guarded(const std::function<grpc::Status()>& call) {
  try {
    return call();
  } catch (...) {
    return statusOfCurrentException();
  }
}

}  // namespace simgpu::kubelet
