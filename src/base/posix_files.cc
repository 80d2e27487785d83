#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "simgpu/base/files.h"

namespace simgpu::base {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

Descriptor openFile(const std::filesystem::path& path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return Descriptor(fd);
}

Status failure(std::string_view operation, const std::string& path) {
  int error = errno;
  return statusOfErrno(error, fmt::format("{} {}", operation, path));
}

Status failure(std::string_view operation, const std::filesystem::path& path) {
  return failure(operation, path.native());
}

Status tooLarge(const std::string& path) {
  return Status::invalidArgument("read {}: larger than {} bytes", path, Files::kMaxFileSize);
}

Status writeAll(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return failure("write", path);
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> readAll(int fd, const std::filesystem::path& path) {
  std::string content;
  char buffer[16384];
  for (;;) {
    ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return unexpected(failure("read", path));
    }
    if (got == 0) {
      return content;
    }
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > Files::kMaxFileSize) {
      return unexpected(tooLarge(path.native()));
    }
  }
}

/// Nobody else changes the file meanwhile, so its size is known from the moment it was locked.
class PosixFileLock final : public FileLock {
 public:
  PosixFileLock(Descriptor fd, std::string path, std::uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

  Result<std::string> content() override {
    if (size_ > Files::kMaxFileSize) {
      return unexpected(tooLarge(path_));
    }
    std::string content(size_, '\0');
    std::size_t there = 0;
    while (there < content.size()) {
      ssize_t got = ::pread(fd_.get(), content.data() + there, content.size() - there, static_cast<off_t>(there));
      if (got < 0 && errno != EINTR) {
        return unexpected(failure("read", path_));
      }
      if (got == 0) {
        break;
      }
      there += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    content.resize(there);
    return content;
  }

  /// Overwrites in place. A file that is cut to nothing, written and closed is written out by ext4 before the close
  /// returns, which takes up to milliseconds while everybody waits for the lock.
  Status replaceContent(std::string_view content) override {
    std::size_t written = 0;
    while (written < content.size()) {
      ssize_t got =
          ::pwrite(fd_.get(), content.data() + written, content.size() - written, static_cast<off_t>(written));
      if (got < 0 && errno != EINTR) {
        return failure("write", path_);
      }
      written += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    if (size_ > content.size() && ::ftruncate(fd_.get(), static_cast<off_t>(content.size())) != 0) {
      return failure("truncate", path_);
    }
    size_ = content.size();
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
  std::uint64_t size_;
};

class PosixUnnamedFile final : public UnnamedFile {
 public:
  explicit PosixUnnamedFile(Descriptor fd) : fd_(std::move(fd)) {}

  /// By way of /proc, because to name a descriptor itself (AT_EMPTY_PATH) takes a capability.
  Status link(const std::filesystem::path& name) override {
    std::string source = fmt::format("/proc/self/fd/{}", fd_.get());
    if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return failure("create", name);
    }
    return {};
  }

  Status fill(std::string_view content, mode_t mode, const std::filesystem::path& directory) const {
    if (::fchmod(fd_.get(), mode) != 0) {
      return failure("set the mode of a file in", directory);
    }
    if (Status written = writeAll(fd_.get(), content, directory); !written) {
      return written;
    }
    return ::fsync(fd_.get()) == 0 ? Status() : failure("sync a file in", directory);
  }

 private:
  Descriptor fd_;
};

FileInfo::Kind kindOf(mode_t mode) {
  if (S_ISREG(mode)) {
    return FileInfo::Kind::regular;
  }
  if (S_ISDIR(mode)) {
    return FileInfo::Kind::directory;
  }
  if (S_ISLNK(mode)) {
    return FileInfo::Kind::symlink;
  }
  if (S_ISSOCK(mode)) {
    return FileInfo::Kind::socket;
  }
  return FileInfo::Kind::other;
}

/// The size of the file that is open as `fd`; empty unless `path` names it: somebody may have replaced it before the
/// lock was ours.
std::optional<std::uint64_t> sizeIfNamed(int fd, const std::filesystem::path& path) {
  struct stat opened{};
  struct stat named{};
  bool same = ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
              opened.st_ino == named.st_ino;
  return same ? std::optional(static_cast<std::uint64_t>(opened.st_size)) : std::nullopt;
}

/// Whether a file without a name can be given one. Asked once: nobody takes its /proc from a process that runs.
bool canLinkDescriptors() {
  static const bool can = ::access("/proc/self/fd", F_OK) == 0;
  return can;
}

}  // namespace

Result<std::string> PosixFiles::read(const std::filesystem::path& file) {
  Descriptor fd = openFile(file, O_RDONLY);
  if (!fd.valid()) {
    return unexpected(failure("open", file));
  }
  return readAll(fd.get(), file);
}

Result<std::vector<std::string>> PosixFiles::list(const std::filesystem::path& directory) {
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) {
    return unexpected(failure("list", directory));
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
    errno = 0;
  }
  int error = errno;
  ::closedir(stream);
  if (error != 0) {
    return unexpected(statusOfErrno(error, fmt::format("list {}", directory.native())));
  }
  std::ranges::sort(names);
  return names;
}

Result<FileInfo> PosixFiles::info(const std::filesystem::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    return unexpected(failure("stat", path));
  }
  FileInfo info;
  info.kind = kindOf(status.st_mode);
  info.mode = status.st_mode & 07777;
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.inode = status.st_ino;
  info.modifiedNanoseconds = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return info;
}

Status PosixFiles::createDirectories(const std::filesystem::path& directory, mode_t mode) {
  struct stat status{};
  if (::stat(directory.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      return {};
    }
    return Status::failedPrecondition("{} is not a directory", directory.native());
  }
  if (errno != ENOENT) {
    return failure("look at", directory);
  }
  if (directory.has_parent_path() && directory.parent_path() != directory) {
    if (Status parent = createDirectories(directory.parent_path(), mode); !parent) {
      return parent;
    }
  }
  if (::mkdir(directory.c_str(), mode) != 0) {
    if (errno != EEXIST) {
      return failure("create directory", directory);
    }
    // Somebody was faster, or a link that leads nowhere has the name.
    bool there = ::stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    return there ? Status() : Status::failedPrecondition("{} is not a directory", directory.native());
  }
  if (::chmod(directory.c_str(), mode) != 0) {  // mkdir obeys the umask
    return failure("set the mode of", directory);
  }
  return {};
}

Status PosixFiles::write(const std::filesystem::path& file, std::string_view content, mode_t mode) {
  Descriptor fd = openFile(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
  if (!fd.valid()) {
    return failure("create", file);
  }
  if (::fchmod(fd.get(), mode) != 0) {
    return failure("set the mode of", file);
  }
  if (Status written = writeAll(fd.get(), content, file); !written) {
    return written;
  }
  if (::fsync(fd.get()) != 0) {
    return failure("sync", file);
  }
  return {};
}

Result<std::unique_ptr<UnnamedFile>> PosixFiles::writeUnnamed(const std::filesystem::path& directory,
                                                              std::string_view content, mode_t mode) {
  if (!canLinkDescriptors()) {
    return unexpected(Status::unimplemented("without /proc a file cannot be given a name later"));
  }
  Descriptor fd = openFile(directory, O_WRONLY | O_TMPFILE, mode);
  // EISDIR: a kernel that does not know the flag.
  if (!fd.valid() && (errno == EOPNOTSUPP || errno == EISDIR)) {
    return unexpected(Status::unimplemented("{}: the file system has no files without names", directory.native()));
  }
  if (!fd.valid()) {
    return unexpected(failure("create a file in", directory));
  }
  auto file = std::make_unique<PosixUnnamedFile>(std::move(fd));
  if (Status filled = file->fill(content, mode, directory); !filled) {
    return unexpected(filled);
  }
  return file;
}

Status PosixFiles::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    int error = errno;
    return statusOfErrno(error, fmt::format("rename {} to {}", from.native(), to.native()));
  }
  return {};
}

Status PosixFiles::remove(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return failure("remove", path);
  }
  return {};
}

Status PosixFiles::syncDirectory(const std::filesystem::path& directory) {
  Descriptor fd = openFile(directory, O_RDONLY | O_DIRECTORY);
  if (!fd.valid()) {
    return failure("open", directory);
  }
  // EINVAL: a file system that has nothing to sync for directories.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) {
    return failure("sync", directory);
  }
  return {};
}

Result<std::unique_ptr<FileLock>> PosixFiles::lock(const std::filesystem::path& file, mode_t mode, Wait wait) {
  for (;;) {
    Descriptor fd = openFile(file, O_RDWR | O_CREAT | O_NOFOLLOW, mode);
    if (!fd.valid()) {
      return unexpected(failure("open", file));
    }
    int locked = -1;
    do {
      locked = ::flock(fd.get(), wait == Wait::block ? LOCK_EX : LOCK_EX | LOCK_NB);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) {
      if (errno == EWOULDBLOCK) {
        return unexpected(Status::failedPrecondition("{} is locked by another process", file.native()));
      }
      return unexpected(failure("lock", file));
    }
    if (auto size = sizeIfNamed(fd.get(), file)) {
      return std::make_unique<PosixFileLock>(std::move(fd), file.native(), *size);
    }
  }
}

}  // namespace simgpu::base
