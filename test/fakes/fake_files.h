#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "simgpu/base/files.h"

namespace simgpu::fakes {

/// A file system in memory that counts, fails on demand, and forgets what was not synced.
class FakeFiles final : public base::Files {
 public:
  FakeFiles();

  Result<std::string> read(const std::filesystem::path& file) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) override;
  Result<base::FileInfo> info(const std::filesystem::path& path) override;
  Status createDirectories(const std::filesystem::path& directory, mode_t mode) override;
  Status write(const std::filesystem::path& file, std::string_view content, mode_t mode) override;
  Result<std::unique_ptr<base::UnnamedFile>> writeUnnamed(const std::filesystem::path& directory,
                                                          std::string_view content, mode_t mode) override;
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Status remove(const std::filesystem::path& path) override;
  Status syncDirectory(const std::filesystem::path& directory) override;
  Result<std::unique_ptr<base::FileLock>> lock(const std::filesystem::path& file, mode_t mode, Wait wait) override;

  /// What is about to happen: `write`, `link`, `rename`, `remove`, `syncDirectory`, `read`, `list`, `info`, `lock`,
  /// `createDirectories`, `readLock` or `writeLock`, and its (first) path; of a `write` without a name, the directory.
  using Fault = std::function<Status(std::string_view operation, const std::filesystem::path& path)>;

  /// Called before each operation, which fails with what it answers unless that is ok.
  void failWhen(Fault fault);

  /// How many operations changed a file or directory so far; locks and their content do not count.
  std::size_t writes() const;

  /// Whether the file system has files without names; true at first.
  void supportUnnamed(bool supported);

  /// As after a power cut: names return to what they were at the last `syncDirectory` of their directory.
  void losePower();

  /// Direct access, past counters and faults. An empty result means the file does not exist.
  std::string content(const std::filesystem::path& file) const;
  void put(const std::filesystem::path& file, std::string content);
  std::vector<std::string> names(const std::filesystem::path& directory) const;

  /// What somebody does who wipes a directory behind our back.
  void wipe(const std::filesystem::path& directory);

 private:
  struct File {
    std::string content;
    mode_t mode = 0;
    std::uint64_t inode = 0;
  };
  struct Directory {
    std::map<std::string, File> live;
    std::map<std::string, File> synced;
    std::int64_t modified = 0;
  };
  class Lock;
  class Unnamed;

  Status fault(std::string_view operation, const std::filesystem::path& path);
  Directory* directoryOf(const std::filesystem::path& file);

  mutable std::mutex mutex_;
  std::condition_variable_any unlocked_;
  std::map<std::filesystem::path, Directory> directories_;
  std::set<std::filesystem::path> locked_;
  std::map<std::filesystem::path, std::string> lockContent_;
  Fault fault_;
  bool unnamedSupported_ = true;
  std::size_t writes_ = 0;
  std::uint64_t nextInode_ = 1;
  std::int64_t ticks_ = 0;
};

}  // namespace simgpu::fakes
