#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "kubelet/socket_names.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"

namespace simgpu::kubelet {

/// Locks the names of a driver's sockets against other processes of this program, until destruction.
///
/// The lock is the file `<DRA socket>.lock`; it tells who holds it. It lies in the driver's own directory because the
/// kubelet watches the other one. It is removed with the sockets, after a crash by the next process of the driver.
class SocketLock {
 public:
  /// failedPrecondition, naming the holder, if another process serves these sockets.
  static Result<SocketLock> take(base::Files& files, base::Clock& clock, const std::filesystem::path& draSocket);

  SocketLock(SocketLock&&) = default;
  ~SocketLock();

 private:
  SocketLock(base::Files& files, std::filesystem::path path, std::unique_ptr<base::FileLock> lock)
      : files_(&files), path_(std::move(path)), lock_(std::move(lock)) {}

  base::Files* files_;
  std::filesystem::path path_;
  std::unique_ptr<base::FileLock> lock_;
};

/// Removes what an earlier process has left at `socket`. failedPrecondition if somebody listens on it, or if it is no
/// socket. To be called under the `SocketLock`.
Status clearSocket(base::Files& files, const std::filesystem::path& socket);

/// Removes the sockets that dead pods of this driver left behind in both directories: those that nobody listens on and
/// whose lock nobody holds. What cannot be told or removed stays.
///
/// A process that does not lock (the reference driver) is seen without a listener for an instant while it starts, so
/// sockets without a lock must be older than two seconds.
void removeDeadSockets(base::Files& files, const base::Clock& clock, const SocketPaths& own, std::string_view driver,
                       const base::Logger& log);

}  // namespace simgpu::kubelet
