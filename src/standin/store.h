#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "standin/resources.h"

namespace simgpu::standin {

/// An object's place: resource, namespace, name. Sorted as lists are.
struct ObjectKey {
  const Resource* resource = nullptr;
  std::string space;
  std::string name;

  auto operator<=>(const ObjectKey&) const = default;
};

/// One change of an object.
struct Change {
  enum class Type { added, modified, deleted };

  std::uint64_t version = 0;
  Type type = Type::added;
  ObjectKey key;
  std::shared_ptr<const nlohmann::json> object;    ///< What it is now; when deleted, what it was last.
  std::shared_ptr<const nlohmann::json> previous;  ///< Null when added.
};

/// Objects in memory with one counter of versions over all of them, as etcd has, and the history that watches resume
/// from. Not thread-safe.
class Store {
 public:
  using Object = std::shared_ptr<const nlohmann::json>;

  std::uint64_t version() const { return version_; }

  /// The oldest version from which a watch can go on.
  std::uint64_t oldest() const { return oldest_; }

  /// Null if there is none.
  Object find(const ObjectKey& key) const;

  /// Objects of a resource in the order of namespace and name. `space` empty: of all namespaces.
  std::vector<std::pair<ObjectKey, Object>> list(const Resource& resource, std::string_view space) const;

  /// The same as it was at an earlier version, which must not be older than `oldest()`.
  std::vector<std::pair<ObjectKey, Object>> listAt(const Resource& resource, std::string_view space,
                                                   std::uint64_t version) const;

  /// Creates or replaces; sets `metadata.resourceVersion`. Answers what is stored.
  Object put(const ObjectKey& key, nlohmann::json object);

  /// Answers the last state, with the version of its end. Precondition: it exists.
  Object erase(const ObjectKey& key);

  /// The changes after `version`, oldest first. Precondition: `version >= oldest()`.
  std::vector<Change> changesAfter(const Resource& resource, std::uint64_t version) const;

  /// Forgets the history.
  void compact();

  /// Called with each change as it happens.
  void onChange(std::function<void(const Change&)> listener) { listener_ = std::move(listener); }

 private:
  void record(Change change);

  std::uint64_t version_ = 1;
  std::uint64_t oldest_ = 1;
  std::map<ObjectKey, Object> objects_;
  std::deque<Change> history_;
  std::function<void(const Change&)> listener_ = [](const Change&) {};
};

}  // namespace simgpu::standin
