#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/result.h"
#include "simgpu/base/staged_file.h"
#include "simgpu/cdi/spec.h"

namespace simgpu::cdi {

/// A file of the directory; a file that is replaced gets another `info`.
struct SpecEntry {
  std::string name;  ///< File name with extension, without directory.
  base::FileInfo info;

  bool operator==(const SpecEntry&) const = default;
};

/// The directory in which the container runtime looks for CDI specs.
///
/// Every write is all or nothing: `stage` writes and syncs a temporary file (a dot file ending in `.tmp`, which
/// runtimes ignore), `commit` renames it, and `sync` makes the new name survive a power cut. They are separate so that
/// a lock need only be held for the rename. Safe to use from several threads.
class SpecDirectory {
 public:
  /// `root` is created if missing (mode 0755, like containerd's own default). Fails with a message that names `root` if
  /// it is not a directory or cannot be written.
  static Result<SpecDirectory> open(base::Files& files, std::filesystem::path root);

  /// Writes `spec` for the file `name` without making it visible. `name` is a plain file name ending in `.yaml`.
  Result<base::StagedFile> stage(std::string_view name, const Spec& spec) const;

  /// Makes a staged spec visible under its name, replacing what was there. notFound if somebody deleted `root` since it
  /// was staged.
  Status commit(base::StagedFile staged) const;

  /// Removing what is not there is success: the caller wants it gone.
  Status remove(std::string_view name) const;

  /// Makes what was committed and removed so far survive a power cut. A `root` that is gone has nothing to sync.
  Status sync() const;

  /// Every regular `.yaml` and `.json` file whose name starts with `prefix`, sorted by name. A `root` that is gone is
  /// empty.
  Result<std::vector<SpecEntry>> list(std::string_view prefix) const;

  /// The names that `list` would find, of files of any kind; much cheaper.
  Result<std::vector<std::string>> names(std::string_view prefix) const;

  /// One file; notFound if it is not there.
  Result<Spec> read(std::string_view name) const;

  /// notFound if there is no such file.
  Result<base::FileInfo> info(std::string_view name) const;

  /// Changes whenever a name in the directory appears, goes or is replaced (as fine as the file system's clock).
  Result<std::int64_t> modified() const;

  /// Removes the temporary files that a killed process of this program left behind, of specs whose name starts with
  /// `prefix`: those last written before `before`. Another process may be writing younger ones.
  Status removeTemporaries(std::string_view prefix, base::Clock::WallTime before) const;

  const std::filesystem::path& root() const { return root_; }

 private:
  SpecDirectory(base::Files& files, std::filesystem::path root) : files_(&files), root_(std::move(root)) {}

  base::Files* files_;
  std::filesystem::path root_;
};

}  // namespace simgpu::cdi
