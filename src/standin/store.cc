#include "standin/store.h"

#include <algorithm>

namespace simgpu::standin {

namespace {

/// Enough for every watch that is not asleep, small enough for a process that runs for days.
constexpr std::size_t kMaxHistory = 20'000;

}  // namespace

Store::Object Store::find(const ObjectKey& key) const {
  auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<std::pair<ObjectKey, Store::Object>> Store::list(const Resource& resource, std::string_view space) const {
  std::vector<std::pair<ObjectKey, Object>> found;
  for (auto each = objects_.lower_bound({&resource, std::string(space), ""}); each != objects_.end(); ++each) {
    if (each->first.resource != &resource || (!space.empty() && each->first.space != space)) {
      break;
    }
    found.push_back(*each);
  }
  return found;
}

std::vector<std::pair<ObjectKey, Store::Object>> Store::listAt(const Resource& resource, std::string_view space,
                                                               std::uint64_t version) const {
  std::map<ObjectKey, Object> objects;
  for (auto& [key, object] : list(resource, space)) {
    objects[key] = object;
  }
  for (auto change = history_.rbegin(); change != history_.rend() && change->version > version; ++change) {
    if (change->key.resource != &resource || (!space.empty() && change->key.space != space)) {
      continue;
    }
    if (change->previous) {
      objects[change->key] = change->previous;
    } else {
      objects.erase(change->key);
    }
  }
  return {objects.begin(), objects.end()};
}

Store::Object Store::put(const ObjectKey& key, nlohmann::json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  auto stored = std::make_shared<const nlohmann::json>(std::move(object));
  Object& place = objects_[key];
  Object previous = std::exchange(place, stored);
  auto type = previous ? Change::Type::modified : Change::Type::added;
  record({version_, type, key, stored, std::move(previous)});
  return stored;
}

Store::Object Store::erase(const ObjectKey& key) {
  auto found = objects_.find(key);
  Object previous = std::move(found->second);
  objects_.erase(found);
  nlohmann::json last = *previous;
  last["metadata"]["resourceVersion"] = std::to_string(++version_);
  auto object = std::make_shared<const nlohmann::json>(std::move(last));
  record({version_, Change::Type::deleted, key, object, std::move(previous)});
  return object;
}

std::vector<Change> Store::changesAfter(const Resource& resource, std::uint64_t version) const {
  auto first = std::ranges::upper_bound(history_, version, {}, &Change::version);
  std::vector<Change> changes;
  std::copy_if(first, history_.end(), std::back_inserter(changes),
               [&](const Change& change) { return change.key.resource == &resource; });
  return changes;
}

void Store::compact() {
  history_.clear();
  oldest_ = version_;
}

void Store::record(Change change) {
  listener_(change);
  history_.push_back(std::move(change));
  if (history_.size() > kMaxHistory) {
    oldest_ = history_.front().version;
    history_.pop_front();
  }
}

}  // namespace simgpu::standin
