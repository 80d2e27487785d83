#pragma once

#include <cstddef>
#include <deque>
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

  /// `listener` must stay open for as long as the acceptor lives. One connection more than `maxConnections` ends the
  /// one that is open longest, so that nobody can keep others out by holding connections; 0: as many as there are.
  static Result<std::unique_ptr<Acceptor>> start(int listener, std::size_t maxConnections, Handler handler);

  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// When this returns, the handler has returned and is not called again.
  ~Acceptor();

 private:
  Acceptor(int listener, std::size_t maxConnections, FileDescriptor wakeUp, Handler handler);
  void run();
  bool awaitSomething();
  void accept();
  bool makeRoom(const FileDescriptor& connection);

  int listener_;
  std::size_t maxConnections_;
  FileDescriptor wakeUp_;
  Handler handler_;
  /// Second descriptors of the connections that are counted, oldest first: the handler may close the first at any time.
  std::deque<FileDescriptor> open_;
  std::thread thread_;
};

}  // namespace simgpu::kubelet
