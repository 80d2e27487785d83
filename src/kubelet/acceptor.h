#pragma once

#include <functional>
#include <thread>

#include "kubelet/unix_socket.h"
#include "simgpu/base/result.h"

namespace simgpu::kubelet {

/// A thread that accepts connections and hands each on. gRPC's own listeners are not used: they replace and remove the
/// files of sockets without looking whose they are, and hide why a port cannot be had.
class Acceptor {
 public:
  using Handler = std::function<void(FileDescriptor connection)>;

  /// `listener` must stay open for as long as the acceptor lives.
  static Result<std::unique_ptr<Acceptor>> start(int listener, Handler handler);

  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// When this returns, the handler has returned and is not called again.
  ~Acceptor();

 private:
  Acceptor(int listener, FileDescriptor wakeUp, Handler handler);
  void run();

  int listener_;
  FileDescriptor wakeUp_;
  Handler handler_;
  std::thread thread_;
};

}  // namespace simgpu::kubelet
