#include "simgpu/claim/metadata_directory.h"

#include <algorithm>

#include "simgpu/claim/metadata.h"

namespace simgpu::claim {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kFileMode = 0644;

}  // namespace

Result<std::vector<base::StagedFile>> MetadataDirectory::stage(const std::vector<MetadataFile>& metadata) const {
  std::vector<base::StagedFile> staged;
  if (metadata.empty()) {
    return staged;
  }
  if (Status created = files_->createDirectories(root_, kDirectoryMode); !created) {
    return unexpected(created.with("write device metadata"));
  }
  for (const MetadataFile& file : metadata) {
    auto written = base::StagedFile::write(*files_, root_ / file.name, file.content, kFileMode);
    if (!written) {
      return unexpected(written.error().with("write device metadata {}", (root_ / file.name).native()));
    }
    staged.push_back(*std::move(written));
  }
  return staged;
}

bool MetadataDirectory::has(const std::vector<MetadataFile>& metadata) const {
  return std::ranges::all_of(metadata, [&](const MetadataFile& file) {
    auto content = files_->read(root_ / file.name);
    return content && *content == file.content;
  });
}

Status MetadataDirectory::remove(std::string_view claimUid, const std::vector<MetadataFile>& kept) const {
  return removeIf([&](const std::string& name, const std::string& uid) {
    return uid == claimUid && std::ranges::find(kept, name, &MetadataFile::name) == kept.end();
  });
}

Status MetadataDirectory::removeUnless(const std::function<bool(const std::string&)>& isPrepared) const {
  return removeIf([&](const std::string&, const std::string& uid) { return !uid.empty() && !isPrepared(uid); });
}

Status MetadataDirectory::removeTemporaries(base::Clock::WallTime before) const {
  return base::removeTemporaries(*files_, root_, "", before).with("device metadata {}", root_.native());
}

Status MetadataDirectory::sync() const {
  Status synced = files_->syncDirectory(root_);
  return synced.code() == Code::notFound ? Status() : synced.with("sync device metadata {}", root_.native());
}

Status MetadataDirectory::removeIf(
    const std::function<bool(const std::string& name, const std::string& claimUid)>& unwanted) const {
  auto names = files_->list(root_);
  if (!names) {
    return names.error().code() == Code::notFound ? Status()
                                                  : names.error().with("list device metadata {}", root_.native());
  }
  Status first;
  for (const std::string& name : *names) {
    if (!unwanted(name, metadataClaimUidOf(name))) {
      continue;
    }
    if (Status removed = files_->remove(root_ / name); !removed && first) {
      first = removed.with("remove device metadata {}", (root_ / name).native());
    }
  }
  return first;
}

}  // namespace simgpu::claim
