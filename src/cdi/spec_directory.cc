#include "simgpu/cdi/spec_directory.h"

#include <utility>

namespace simgpu::cdi {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kFileMode = 0600;  // as the reference driver; runtimes run as root
constexpr std::string_view kProbe = "dra-driver-sim-gpu-probe";
constexpr std::size_t kMaxNameLength = 200;  // leaves room for what a temporary name adds, within NAME_MAX

bool isSpecName(std::string_view name) {
  return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".json"));
}

Status validateName(std::string_view name) {
  if (!isSpecName(name) || name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos) {
    return Status::invalidArgument(
        "\"{}\" is not a file name for a CDI spec: expected one without '/' or leading '.' that ends in .yaml or .json",
        name);
  }
  return {};
}

}  // namespace

Result<SpecDirectory> SpecDirectory::open(base::Files& files, std::filesystem::path root) {
  if (auto status = files.createDirectories(root, kDirectoryMode); !status) {
    return unexpected(status.with("CDI directory {}", root.native()));
  }
  // Find out now, and not at the first claim, that nothing can be written here.
  auto probe = root / base::temporaryName(kProbe);
  Status written = files.write(probe, "", kFileMode);
  Status removed = files.remove(probe);
  for (const Status& status : {written, removed}) {
    if (!status) {
      return unexpected(status.with("CDI directory {} cannot be written", root.native()));
    }
  }
  return SpecDirectory(files, std::move(root));
}

Result<base::StagedFile> SpecDirectory::stage(std::string_view name, const Spec& spec) const {
  if (auto status = validateName(name); !status) {
    return unexpected(status);
  }
  if (!name.ends_with(".yaml") || name.size() > kMaxNameLength) {
    return unexpected(Status::invalidArgument("CDI spec {}: expected a name of at most {} bytes ending in .yaml", name,
                                              kMaxNameLength));
  }
  if (auto status = validate(spec); !status) {
    return unexpected(status.with("CDI spec {}", name));
  }
  std::string text = render(spec);
  auto staged = base::StagedFile::write(*files_, root_ / name, text, kFileMode);
  if (!staged && staged.error().code() == Code::notFound) {
    if (Status created = files_->createDirectories(root_, kDirectoryMode); !created) {
      return unexpected(created.with("write CDI spec {}", (root_ / name).native()));
    }
    staged = base::StagedFile::write(*files_, root_ / name, text, kFileMode);
  }
  if (!staged) {
    return unexpected(staged.error().with("write CDI spec {}", (root_ / name).native()));
  }
  return staged;
}

Status SpecDirectory::commit(base::StagedFile staged) const {
  return staged.commit().with("write CDI spec {}", staged.target().native());
}

Status SpecDirectory::remove(std::string_view name) const {
  if (auto status = validateName(name); !status) {
    return status;
  }
  return files_->remove(root_ / name).with("remove CDI spec {}", (root_ / name).native());
}

Status SpecDirectory::sync() const {
  Status status = files_->syncDirectory(root_);
  return status.code() == Code::notFound ? Status() : status.with("sync CDI directory {}", root_.native());
}

Result<std::vector<std::string>> SpecDirectory::names(std::string_view prefix) const {
  auto names = files_->list(root_);
  if (!names && names.error().code() == Code::notFound) {
    return std::vector<std::string>();
  }
  if (!names) {
    return unexpected(names.error().with("list CDI directory {}", root_.native()));
  }
  std::erase_if(*names, [&](const std::string& name) { return !name.starts_with(prefix) || !isSpecName(name); });
  return names;
}

Result<std::vector<SpecEntry>> SpecDirectory::list(std::string_view prefix) const {
  auto found = names(prefix);
  if (!found) {
    return unexpected(found.error());
  }
  std::vector<SpecEntry> entries;
  for (std::string& name : *found) {
    auto info = files_->info(root_ / name);
    if (!info && info.error().code() == Code::notFound) {
      continue;  // removed since the names were read
    }
    if (!info) {
      return unexpected(info.error().with("list CDI directory {}", root_.native()));
    }
    if (info->kind == base::FileInfo::Kind::regular) {
      entries.push_back({std::move(name), *info});
    }
  }
  return entries;
}

Result<Spec> SpecDirectory::read(std::string_view name) const {
  if (auto status = validateName(name); !status) {
    return unexpected(status);
  }
  auto path = root_ / name;
  auto text = files_->read(path);
  if (!text) {
    return unexpected(text.error().with("read CDI spec {}", path.native()));
  }
  auto spec = parse(*text);
  if (!spec) {
    return unexpected(spec.error().with("read CDI spec {}", path.native()));
  }
  return spec;
}

Result<base::FileInfo> SpecDirectory::info(std::string_view name) const {
  if (auto status = validateName(name); !status) {
    return unexpected(status);
  }
  return files_->info(root_ / name);
}

Result<std::int64_t> SpecDirectory::modified() const {
  auto info = files_->info(root_ / ".");  // of the directory also where the name is that of a link to it
  if (!info) {
    return unexpected(info.error().with("CDI directory {}", root_.native()));
  }
  return info->modifiedNanoseconds;
}

Status SpecDirectory::removeTemporaries(std::string_view prefix, base::Clock::WallTime before) const {
  for (std::string_view each : {prefix, kProbe}) {
    if (Status removed = base::removeTemporaries(*files_, root_, each, before); !removed) {
      return removed.with("CDI directory {}", root_.native());
    }
  }
  return {};
}

}  // namespace simgpu::cdi
