#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/result.h"

namespace simgpu::base {

/// A file that is written and synced, but not there yet under its name. Destroying it without `commit` removes it.
///
/// It has no name until `commit`, so that the directory does not change and a killed process leaves nothing, or where
/// the file system has no such files, a temporary one: a dot file ending in `.tmp`, in the same directory. Through that
/// one it gets its own, because who watches a directory of CDI specs only notices renames within it. Staging and
/// committing are separate so that a lock need only be held for the renaming.
class StagedFile {
 public:
  /// notFound if the directory is missing.
  static Result<StagedFile> write(Files& files, std::filesystem::path target, std::string_view content, mode_t mode);

  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&& other) noexcept;
  ~StagedFile();

  /// Makes the file visible under its name, replacing what was there; `Files::syncDirectory` makes that last. notFound
  /// if somebody deleted the directory since it was staged.
  Status commit();

  const std::filesystem::path& target() const { return target_; }

 private:
  StagedFile(Files& files, std::filesystem::path target) : files_(&files), target_(std::move(target)) {}

  std::filesystem::path newTemporary() const;

  Files* files_;
  std::unique_ptr<UnnamedFile> unnamed_;
  std::filesystem::path temporary_;  ///< Empty while the file does not have that name.
  std::filesystem::path target_;
};

/// A temporary name for the file `name`, another one at each call, in other processes, too.
std::string temporaryName(std::string_view name);

/// The name of the file that a temporary one stands for, with what makes it unique; empty if it is no temporary name.
std::string_view targetOfTemporary(std::string_view name);

/// Removes the temporary files that a killed process left in a directory, of files whose name starts with `prefix`:
/// those last written before `before`. Another process may be writing younger ones. A missing directory has none.
Status removeTemporaries(Files& files, const std::filesystem::path& directory, std::string_view prefix,
                         Clock::WallTime before);

}  // namespace simgpu::base
