#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "simgpu/base/result.h"

namespace simgpu::base {

/// An exclusive lock on a file, held until destruction. Other processes respect it (flock(2)); a process that dies
/// releases it.
class FileLock {
 public:
  virtual ~FileLock() = default;

  /// What the locked file holds; small (a counter), empty when the file is new.
  virtual Result<std::string> content() = 0;

  /// Replaces what the locked file holds. Not synced: it need not survive a power cut.
  virtual Status replaceContent(std::string_view content) = 0;
};

/// A file that is written and synced, but has no name yet. Destroying it without `link`, or the process that has it,
/// leaves nothing behind.
class UnnamedFile {
 public:
  virtual ~UnnamedFile() = default;

  /// Gives it a name on the same file system, which must be free. notFound if the directory is not there.
  virtual Status link(const std::filesystem::path& name) = 0;
};

/// What `lstat` tells.
struct FileInfo {
  enum class Kind { regular, directory, symlink, socket, other };

  Kind kind = Kind::other;
  mode_t mode = 0;  ///< Permission bits.
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::int64_t modifiedNanoseconds = 0;  ///< Since the epoch.

  bool operator==(const FileInfo&) const = default;
};

/// The file system as a parameter: just the operations that this program needs, so that a test can fail, count or lose
/// each of them. Safe to use from several threads.
class Files {
 public:
  enum class Wait { block, tryOnce };

  /// No file that this program reads is larger; a larger one is refused with invalidArgument.
  static constexpr std::uint64_t kMaxFileSize = 16u << 20;

  virtual ~Files() = default;

  virtual Result<std::string> read(const std::filesystem::path& file) = 0;

  /// The names in a directory, sorted, without `.` and `..`.
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& directory) = 0;

  /// Does not follow a symbolic link at the end of `path`.
  virtual Result<FileInfo> info(const std::filesystem::path& path) = 0;

  /// Creates the directory and its missing parents with `mode`, whatever the umask; an existing one stays as it is.
  /// failedPrecondition if something else has that name.
  virtual Status createDirectories(const std::filesystem::path& directory, mode_t mode) = 0;

  /// Creates or replaces the content of a file with `mode`, whatever the umask, and syncs it. Not atomic: write a file
  /// of another name, `rename` it and `syncDirectory`. Does not follow a symbolic link at the end of `file`.
  virtual Status write(const std::filesystem::path& file, std::string_view content, mode_t mode) = 0;

  /// Writes and syncs a file that is on the file system of `directory`, but not in it: the directory does not change.
  /// It has `mode`, whatever the umask. unimplemented where there are no such files.
  virtual Result<std::unique_ptr<UnnamedFile>> writeUnnamed(const std::filesystem::path& directory,
                                                            std::string_view content, mode_t mode) = 0;

  /// Atomic; replaces `to`.
  virtual Status rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;

  /// Removes a file, a link or a socket. That it is not there is success.
  virtual Status remove(const std::filesystem::path& path) = 0;

  /// Makes the names in a directory survive a power cut.
  virtual Status syncDirectory(const std::filesystem::path& directory) = 0;

  /// Locks a file exclusively, creating it with `mode` if missing. With `tryOnce`, a lock that somebody else holds is
  /// failedPrecondition. Two locks of one file exclude each other within a process, too.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::filesystem::path& file, mode_t mode, Wait wait) = 0;
};

/// The machine's file system.
class PosixFiles final : public Files {
 public:
  Result<std::string> read(const std::filesystem::path& file) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) override;
  Result<FileInfo> info(const std::filesystem::path& path) override;
  Status createDirectories(const std::filesystem::path& directory, mode_t mode) override;
  Status write(const std::filesystem::path& file, std::string_view content, mode_t mode) override;
  Result<std::unique_ptr<UnnamedFile>> writeUnnamed(const std::filesystem::path& directory, std::string_view content,
                                                    mode_t mode) override;
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Status remove(const std::filesystem::path& path) override;
  Status syncDirectory(const std::filesystem::path& directory) override;
  Result<std::unique_ptr<FileLock>> lock(const std::filesystem::path& file, mode_t mode, Wait wait) override;
};

}  // namespace simgpu::base
