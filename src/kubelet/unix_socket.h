#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "simgpu/base/files.h"
#include "simgpu/base/result.h"

namespace simgpu::kubelet {

/// A file descriptor that is closed in the end.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { close(); }

  bool valid() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }
  void close();

 private:
  int descriptor_ = -1;
};

/// Connects to a unix socket, without waiting. notFound if there is no file, failedPrecondition if nobody listens on
/// it.
Result<FileDescriptor> connectUnix(const std::filesystem::path& socket);

/// Who listens at the other end of a connection, for a message: `process 42`.
std::string describePeer(const FileDescriptor& connection);

/// Whether somebody may be listening on a socket: false only if connecting to it is refused or the file is gone. What
/// cannot be told counts as somebody.
bool mayBeServed(const std::filesystem::path& socket);

/// A unix socket that this process listens on, and its file.
class UnixListener {
 public:
  /// The file appears with mode 0600 when the socket accepts connections already, never before: it is bound under a
  /// hidden name in the same directory and renamed. Replaces a file of that name; ask `mayBeServed` first.
  static Result<UnixListener> listen(base::Files& files, std::filesystem::path path);

  UnixListener(UnixListener&&) = default;

  /// Hides and closes the socket.
  ~UnixListener() { hide(); }

  int descriptor() const { return descriptor_.get(); }
  const std::filesystem::path& path() const { return path_; }

  /// Whether the file at `path` is still this socket: ok, or what became of it.
  Status check() const;

  /// Removes the file, unless somebody else has put theirs in its place. Connections are accepted still.
  void hide();

 private:
  UnixListener(base::Files& files, FileDescriptor descriptor, std::filesystem::path path, std::uint64_t inode)
      : files_(&files), descriptor_(std::move(descriptor)), path_(std::move(path)), inode_(inode) {}

  base::Files* files_;
  FileDescriptor descriptor_;
  std::filesystem::path path_;
  std::uint64_t inode_;
  bool hidden_ = false;
};

/// Listens on a TCP port of all interfaces, of IPv4 only where there is no IPv6. 0 is any free port.
Result<FileDescriptor> listenTcp(std::uint16_t port);

/// The port that a TCP socket is bound to.
Result<std::uint16_t> portOf(const FileDescriptor& socket);

}  // namespace simgpu::kubelet
