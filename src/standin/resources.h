#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "standin/api_error.h"

namespace simgpu::standin {

/// A kind of object that the stand-in serves.
struct Resource {
  std::string group;  ///< Empty: the core group.
  std::string version;
  std::string plural;
  std::string kind;
  bool namespaced = false;
  bool hasStatus = false;      ///< A `/status` subresource, so that the main one ignores `status`.
  bool hasGeneration = false;  ///< `metadata.generation` counts changes of the spec.
  std::vector<std::string> selectableFields;

  std::string apiVersion() const { return group.empty() ? version : group + "/" + version; }
};

/// Everything that is served, in the order of discovery.
std::span<const Resource> servedResources();

/// What a path means: a collection, an object, or a subresource of one.
struct Target {
  const Resource* resource = nullptr;
  std::string space;
  std::string name;
  std::string subresource;

  ErrorSubject subject() const { return {resource->group, resource->plural, resource->kind, name}; }
};

/// Empty: not a path of a served resource.
std::optional<Target> parseTarget(std::string_view path);

/// The answer to a discovery path (`/api`, `/apis/…`), without its resources.
std::optional<nlohmann::json> discovery(std::string_view path);

}  // namespace simgpu::standin
