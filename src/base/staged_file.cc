#include "simgpu/base/staged_file.h"

#include <atomic>
#include <utility>

#include "simgpu/base/random.h"

namespace simgpu::base {
namespace {

constexpr std::string_view kTemporaryExtension = ".tmp";

/// Differs for every call in this process and, unlike a process ID, between containers that share the directory.
std::string uniqueSuffix() {
  static const std::uint64_t process = SystemRandom().next();
  static std::atomic<std::uint64_t> calls = 0;
  return fmt::format("{:016x}-{}", process, ++calls);
}

}  // namespace

StagedFile::StagedFile(StagedFile&& other) noexcept
    : files_(other.files_),
      unnamed_(std::move(other.unnamed_)),
      temporary_(std::exchange(other.temporary_, {})),
      target_(std::exchange(other.target_, {})) {}

StagedFile& StagedFile::operator=(StagedFile&& other) noexcept {
  StagedFile moved(std::move(other));
  std::swap(files_, moved.files_);
  unnamed_.swap(moved.unnamed_);
  temporary_.swap(moved.temporary_);
  target_.swap(moved.target_);
  return *this;
}

StagedFile::~StagedFile() {
  if (!temporary_.empty()) {
    // Best effort: what stays is a dot file that nobody reads, and `removeTemporaries` takes it away later.
    static_cast<void>(files_->remove(temporary_).ok());
  }
}

Result<StagedFile> StagedFile::write(Files& files, std::filesystem::path target, std::string_view content,
                                     mode_t mode) {
  StagedFile staged(files, std::move(target));
  auto unnamed = files.writeUnnamed(staged.target_.parent_path(), content, mode);
  if (unnamed) {
    staged.unnamed_ = *std::move(unnamed);
    return staged;
  }
  if (unnamed.error().code() != Code::unimplemented) {
    return unexpected(unnamed.error());
  }
  staged.temporary_ = staged.newTemporary();
  if (Status written = files.write(staged.temporary_, content, mode); !written) {
    return unexpected(written);
  }
  return staged;
}

Status StagedFile::commit() {
  if (unnamed_) {
    std::filesystem::path temporary = newTemporary();
    if (Status linked = unnamed_->link(temporary); !linked) {
      return linked;
    }
    unnamed_.reset();
    temporary_ = std::move(temporary);
  }
  Status renamed = files_->rename(temporary_, target_);
  if (renamed) {
    temporary_.clear();
  }
  return renamed;
}

std::filesystem::path StagedFile::newTemporary() const {
  // Paths are taken apart and put together by hand, because each `path` on the way is a list of its parts.
  std::string_view target = target_.native();
  std::size_t name = target.rfind('/') + 1;
  return std::string(target.substr(0, name)) + temporaryName(target.substr(name));
}

std::string temporaryName(std::string_view name) {
  return fmt::format(".{}.{}{}", name, uniqueSuffix(), kTemporaryExtension);
}

std::string_view targetOfTemporary(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(kTemporaryExtension) || name.size() <= 1 + kTemporaryExtension.size()) {
    return {};
  }
  return name.substr(1, name.size() - 1 - kTemporaryExtension.size());
}

Status removeTemporaries(Files& files, const std::filesystem::path& directory, std::string_view prefix,
                         Clock::WallTime before) {
  auto names = files.list(directory);
  if (!names) {
    return names.error().code() == Code::notFound ? Status() : names.error();
  }
  Status first;
  for (const std::string& name : *names) {
    std::string_view target = targetOfTemporary(name);
    if (target.empty() || !target.starts_with(prefix)) {
      continue;
    }
    auto info = files.info(directory / name);
    std::chrono::nanoseconds limit = before.time_since_epoch();
    if (!info || std::chrono::nanoseconds(info->modifiedNanoseconds) >= limit) {
      continue;
    }
    if (auto status = files.remove(directory / name); !status && first) {
      first = status.with("remove {}", (directory / name).string());
    }
  }
  return first;
}

}  // namespace simgpu::base
