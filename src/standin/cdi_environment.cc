#include "standin/cdi_environment.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/ranges.h>

namespace simgpu::standin {

namespace {

/// Where a device is defined.
struct Definition {
  const cdi::Spec* spec = nullptr;
  const cdi::Device* device = nullptr;
  std::size_t priority = 0;
};

class Cache {
 public:
  Cache(base::Files& files, const std::vector<std::filesystem::path>& roots) {
    for (std::size_t priority = 0; priority < roots.size(); ++priority) {
      auto names = files.list(roots[priority]);
      for (const std::string& name : names ? *names : std::vector<std::string>()) {
        if (name.starts_with('.') || !(name.ends_with(".yaml") || name.ends_with(".json"))) {
          continue;
        }
        auto text = files.read(roots[priority] / name);
        if (auto spec = text ? cdi::parse(*text) : unexpected(text.error())) {
          add(std::make_unique<cdi::Spec>(std::move(*spec)), priority);
        }
      }
    }
  }

  const Definition* find(const std::string& id) const {
    auto found = conflicts_.contains(id) ? devices_.end() : devices_.find(id);
    return found == devices_.end() ? nullptr : &found->second;
  }

 private:
  void add(std::unique_ptr<cdi::Spec> spec, std::size_t priority) {
    for (const cdi::Device& device : spec->devices) {
      std::string id = cdi::qualifiedName(spec->kind, device.name);
      auto [place, isNew] = devices_.try_emplace(id);
      if (!isNew && place->second.priority == priority) {
        conflicts_.insert(id);
        continue;
      }
      conflicts_.erase(id);
      place->second = {spec.get(), &device, priority};
    }
    specs_.push_back(std::move(spec));
  }

  std::vector<std::unique_ptr<cdi::Spec>> specs_;
  std::map<std::string, Definition> devices_;
  std::set<std::string> conflicts_;
};

}  // namespace

void setVariable(std::vector<std::string>& environment, const std::string& entry) {
  std::string prefix = entry.substr(0, entry.find('=')) + "=";
  auto same = std::ranges::find_if(environment, [&](const std::string& each) { return each.starts_with(prefix); });
  if (same == environment.end()) {
    environment.push_back(entry);
  } else {
    *same = entry;
  }
}

Result<cdi::ContainerEdits> editsOf(base::Files& files, const std::vector<std::filesystem::path>& roots,
                                    const std::vector<std::string>& devices) {
  Cache cache(files, roots);
  std::vector<std::string> unresolved;
  cdi::ContainerEdits edits;
  auto append = [&edits](const cdi::ContainerEdits& more) {
    edits.env.insert(edits.env.end(), more.env.begin(), more.env.end());
    edits.mounts.insert(edits.mounts.end(), more.mounts.begin(), more.mounts.end());
  };
  std::set<const cdi::Spec*> seen;
  for (const std::string& id : devices) {
    const Definition* found = cache.find(id);
    if (found == nullptr) {
      unresolved.push_back(id);
      continue;
    }
    if (seen.insert(found->spec).second) {
      append(found->spec->edits);
    }
    append(found->device->edits);
  }
  if (!unresolved.empty()) {
    return unexpected(Status::notFound("unresolvable CDI devices {}", fmt::join(unresolved, ", ")));
  }
  return edits;
}

Result<std::vector<std::string>> applyCdi(base::Files& files, const std::vector<std::filesystem::path>& roots,
                                          const std::vector<std::string>& devices,
                                          std::vector<std::string> environment) {
  auto edits = editsOf(files, roots, devices);
  if (!edits) {
    return unexpected(edits.error());
  }
  for (const std::string& entry : edits->env) {
    setVariable(environment, entry);
  }
  return environment;
}

}  // namespace simgpu::standin
