#include "fakes/fake_files.h"

namespace simgpu::fakes {
namespace fs = std::filesystem;

class FakeFiles::Lock final : public base::FileLock {
 public:
  Lock(FakeFiles& files, fs::path path) : files_(files), path_(std::move(path)) {}
  ~Lock() override {
    std::lock_guard guard(files_.mutex_);
    files_.locked_.erase(path_);
    files_.unlocked_.notify_all();
  }

  Result<std::string> content() override {
    if (Status failed = files_.fault("readLock", path_); !failed) {
      return unexpected(failed);
    }
    std::lock_guard guard(files_.mutex_);
    return files_.lockContent_[path_];
  }

  Status replaceContent(std::string_view content) override {
    if (Status failed = files_.fault("writeLock", path_); !failed) {
      return failed;
    }
    std::lock_guard guard(files_.mutex_);
    files_.lockContent_[path_] = content;
    return {};
  }

 private:
  FakeFiles& files_;
  fs::path path_;
};

class FakeFiles::Unnamed final : public base::UnnamedFile {
 public:
  Unnamed(FakeFiles& files, std::string content, mode_t mode)
      : files_(files), content_(std::move(content)), mode_(mode) {}

  Status link(const fs::path& name) override {
    if (Status failed = files_.fault("link", name); !failed) {
      return failed;
    }
    std::lock_guard guard(files_.mutex_);
    Directory* directory = files_.directoryOf(name);
    if (directory == nullptr) {
      return Status::notFound("create {}: No such file or directory", name.native());
    }
    if (directory->live.contains(name.filename())) {
      return Status::alreadyExists("create {}: File exists", name.native());
    }
    directory->live[name.filename()] = {content_, mode_, files_.nextInode_++};
    directory->modified = ++files_.ticks_;
    ++files_.writes_;
    return {};
  }

 private:
  FakeFiles& files_;
  std::string content_;
  mode_t mode_;
};

FakeFiles::FakeFiles() {
  directories_["/"];
}

Status FakeFiles::fault(std::string_view operation, const fs::path& path) {
  Fault fault;
  {
    std::lock_guard guard(mutex_);
    fault = fault_;
  }
  return fault ? fault(operation, path) : Status();
}

FakeFiles::Directory* FakeFiles::directoryOf(const fs::path& file) {
  auto found = directories_.find(file.parent_path());
  return found == directories_.end() ? nullptr : &found->second;
}

Result<std::string> FakeFiles::read(const fs::path& file) {
  if (Status failed = fault("read", file); !failed) {
    return unexpected(failed);
  }
  std::lock_guard guard(mutex_);
  Directory* directory = directoryOf(file);
  if (directory == nullptr || !directory->live.contains(file.filename())) {
    return unexpected(Status::notFound("open {}: No such file or directory", file.native()));
  }
  return directory->live[file.filename()].content;
}

Result<std::vector<std::string>> FakeFiles::list(const fs::path& directory) {
  if (Status failed = fault("list", directory); !failed) {
    return unexpected(failed);
  }
  std::lock_guard guard(mutex_);
  auto found = directories_.find(directory);
  if (found == directories_.end()) {
    return unexpected(Status::notFound("list {}: No such file or directory", directory.native()));
  }
  std::set<std::string> names;
  for (const auto& [name, file] : found->second.live) {
    names.insert(name);
  }
  for (const auto& [path, content] : directories_) {
    if (path.parent_path() == directory && path != directory) {
      names.insert(path.filename());
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<base::FileInfo> FakeFiles::info(const fs::path& path) {
  if (Status failed = fault("info", path); !failed) {
    return unexpected(failed);
  }
  std::lock_guard guard(mutex_);
  base::FileInfo info;
  auto found = directories_.find(path.filename() == "." ? path.parent_path() : path);
  if (found != directories_.end()) {
    info.kind = base::FileInfo::Kind::directory;
    info.modifiedNanoseconds = found->second.modified;
    return info;
  }
  Directory* directory = directoryOf(path);
  if (directory == nullptr || !directory->live.contains(path.filename())) {
    return unexpected(Status::notFound("stat {}: No such file or directory", path.native()));
  }
  const File& file = directory->live[path.filename()];
  info.kind = base::FileInfo::Kind::regular;
  info.mode = file.mode;
  info.size = file.content.size();
  info.inode = file.inode;
  return info;
}

Status FakeFiles::createDirectories(const fs::path& directory, mode_t /*mode*/) {
  if (Status failed = fault("createDirectories", directory); !failed) {
    return failed;
  }
  std::lock_guard guard(mutex_);
  for (fs::path path = directory; !directories_.contains(path); path = path.parent_path()) {
    if (Directory* parent = directoryOf(path); parent != nullptr && parent->live.contains(path.filename())) {
      return Status::failedPrecondition("{} is not a directory", path.native());
    }
    directories_[path];
    ++writes_;
  }
  return {};
}

Status FakeFiles::write(const fs::path& file, std::string_view content, mode_t mode) {
  if (Status failed = fault("write", file); !failed) {
    return failed;
  }
  std::lock_guard guard(mutex_);
  Directory* directory = directoryOf(file);
  if (directory == nullptr) {
    return Status::notFound("create {}: No such file or directory", file.native());
  }
  if (!directory->live.contains(file.filename())) {
    directory->modified = ++ticks_;
  }
  directory->live[file.filename()] = {std::string(content), mode, nextInode_++};
  ++writes_;
  return {};
}

Result<std::unique_ptr<base::UnnamedFile>> FakeFiles::writeUnnamed(const fs::path& directory, std::string_view content,
                                                                   mode_t mode) {
  {
    std::lock_guard guard(mutex_);
    if (!unnamedSupported_) {
      return unexpected(Status::unimplemented("{}: Operation not supported", directory.native()));
    }
  }
  if (Status failed = fault("write", directory); !failed) {
    return unexpected(failed);
  }
  std::lock_guard guard(mutex_);
  if (!directories_.contains(directory)) {
    return unexpected(Status::notFound("create a file in {}: No such file or directory", directory.native()));
  }
  return std::make_unique<Unnamed>(*this, std::string(content), mode);
}

Status FakeFiles::rename(const fs::path& from, const fs::path& to) {
  if (Status failed = fault("rename", from); !failed) {
    return failed;
  }
  std::lock_guard guard(mutex_);
  Directory* source = directoryOf(from);
  Directory* target = directoryOf(to);
  if (source == nullptr || target == nullptr || !source->live.contains(from.filename())) {
    return Status::notFound("rename {} to {}: No such file or directory", from.native(), to.native());
  }
  target->live[to.filename()] = source->live[from.filename()];
  source->live.erase(from.filename());
  source->modified = target->modified = ++ticks_;
  ++writes_;
  return {};
}

Status FakeFiles::remove(const fs::path& path) {
  if (Status failed = fault("remove", path); !failed) {
    return failed;
  }
  std::lock_guard guard(mutex_);
  Directory* directory = directoryOf(path);
  if (directory != nullptr && directory->live.erase(path.filename()) > 0) {
    directory->modified = ++ticks_;
    ++writes_;
  }
  return {};
}

Status FakeFiles::syncDirectory(const fs::path& directory) {
  if (Status failed = fault("syncDirectory", directory); !failed) {
    return failed;
  }
  std::lock_guard guard(mutex_);
  auto found = directories_.find(directory);
  if (found == directories_.end()) {
    return Status::notFound("open {}: No such file or directory", directory.native());
  }
  found->second.synced = found->second.live;
  return {};
}

Result<std::unique_ptr<base::FileLock>> FakeFiles::lock(const fs::path& file, mode_t /*mode*/, Wait wait) {
  if (Status failed = fault("lock", file); !failed) {
    return unexpected(failed);
  }
  std::unique_lock guard(mutex_);
  if (directoryOf(file) == nullptr) {
    return unexpected(Status::notFound("open {}: No such file or directory", file.native()));
  }
  if (wait == Wait::tryOnce && locked_.contains(file)) {
    return unexpected(Status::failedPrecondition("{} is locked by another process", file.native()));
  }
  unlocked_.wait(guard, [&] { return !locked_.contains(file); });
  locked_.insert(file);
  return std::make_unique<Lock>(*this, file);
}

void FakeFiles::failWhen(Fault fault) {
  std::lock_guard guard(mutex_);
  fault_ = std::move(fault);
}

std::size_t FakeFiles::writes() const {
  std::lock_guard guard(mutex_);
  return writes_;
}

void FakeFiles::supportUnnamed(bool supported) {
  std::lock_guard guard(mutex_);
  unnamedSupported_ = supported;
}

void FakeFiles::losePower() {
  std::lock_guard guard(mutex_);
  for (auto& [path, directory] : directories_) {
    directory.live = directory.synced;
    directory.modified = ++ticks_;
  }
  lockContent_.clear();
}

std::string FakeFiles::content(const fs::path& file) const {
  std::lock_guard guard(mutex_);
  auto directory = directories_.find(file.parent_path());
  if (directory == directories_.end()) {
    return {};
  }
  auto found = directory->second.live.find(file.filename());
  return found == directory->second.live.end() ? std::string() : found->second.content;
}

void FakeFiles::put(const fs::path& file, std::string content) {
  std::lock_guard guard(mutex_);
  Directory& directory = directories_[file.parent_path()];
  directory.live[file.filename()] = {std::move(content), 0600, nextInode_++};
  directory.synced[file.filename()] = directory.live[file.filename()];
  directory.modified = ++ticks_;
}

std::vector<std::string> FakeFiles::names(const fs::path& directory) const {
  std::lock_guard guard(mutex_);
  std::vector<std::string> names;
  if (auto found = directories_.find(directory); found != directories_.end()) {
    for (const auto& [name, file] : found->second.live) {
      names.push_back(name);
    }
  }
  return names;
}

void FakeFiles::wipe(const fs::path& directory) {
  std::lock_guard guard(mutex_);
  directories_[directory].live.clear();
  directories_[directory].synced.clear();
  directories_[directory].modified = ++ticks_;
}

}  // namespace simgpu::fakes
