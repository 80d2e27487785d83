#pragma once

#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/result.h"
#include "simgpu/base/staged_file.h"
#include "simgpu/claim/record.h"

namespace simgpu::claim {

/// The directory of the metadata files that specs of prepared claims mount into containers. It says nothing on its own:
/// a file without a spec is left over, and one that is lost is written anew with the next Prepare.
///
/// Names appear and go only while the store's lock is held. A running container keeps the file that it was started
/// with, whatever becomes of the name.
class MetadataDirectory {
 public:
  MetadataDirectory(base::Files& files, std::filesystem::path root) : files_(&files), root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }

  /// Writes files (mode 0644: containers need not run as root) without making them visible; creates the directory if
  /// there are any.
  Result<std::vector<base::StagedFile>> stage(const std::vector<MetadataFile>& metadata) const;

  /// Whether all of these are there, word for word.
  bool has(const std::vector<MetadataFile>& metadata) const;

  /// Removes the files of a claim, except `kept`.
  Status remove(std::string_view claimUid, const std::vector<MetadataFile>& kept = {}) const;

  /// Removes the files of claims that are not prepared.
  Status removeUnless(const std::function<bool(const std::string& claimUid)>& isPrepared) const;

  /// Removes what a killed process was writing before `before`.
  Status removeTemporaries(base::Clock::WallTime before) const;

  /// Makes what appeared and went survive a power cut.
  Status sync() const;

 private:
  Status removeIf(const std::function<bool(const std::string& name, const std::string& claimUid)>& unwanted) const;

  base::Files* files_;
  std::filesystem::path root_;
};

}  // namespace simgpu::claim
