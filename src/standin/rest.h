#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "simgpu/base/clock.h"
#include "simgpu/kube/transport.h"
#include "standin/resources.h"
#include "standin/store.h"
#include "standin/watch.h"

namespace simgpu::standin {

/// The forms of a PATCH.
inline constexpr std::string_view kApplyPatch = "application/apply-patch+yaml";
inline constexpr std::string_view kMergePatch = "application/merge-patch+json";

/// A content type without its parameters.
std::string mediaTypeOf(std::string_view contentType);

/// What a request is answered with: a response, or a watch that goes on.
struct Answer {
  kube::HttpResponse response;
  std::shared_ptr<WatchQueue> watch;
};

/// The REST conventions of Kubernetes over a `Store`. Thread-safe.
class Rest {
 public:
  explicit Rest(base::Clock& clock);

  Answer handle(const kube::HttpRequest& request);

  /// See ApiServer.
  void compact();
  void endWatches() { watches_.endAll(); }

 private:
  using Json = nlohmann::json;
  using Query = std::map<std::string, std::string>;
  using Reply = ApiResult<std::pair<int, Json>>;

  struct Call {
    const kube::HttpRequest& request;
    Target target;
    Query query;

    std::string option(const std::string& name) const {
      auto found = query.find(name);
      return found == query.end() ? "" : found->second;
    }
    bool dryRun() const { return option("dryRun") == "All"; }
    ObjectKey key() const { return {target.resource, target.space, target.name}; }
  };

  Answer answerInJson(const kube::HttpRequest& request);
  Answer route(const kube::HttpRequest& request);
  Reply dispatch(const Call& call);

  // Reading, rest.cc
  Reply get(const Call& call);
  Reply list(const Call& call);
  ApiResult<std::shared_ptr<WatchQueue>> watch(const Call& call);
  Status fillWatch(const Call& call, WatchQueue& watch, const std::string& from, bool initialEvents);

  // Writing, rest_write.cc
  Reply create(const Call& call);
  Reply bind(const Call& call);
  Reply replace(const Call& call);
  Reply remove(const Call& call);
  Reply removeCollection(const Call& call);

  // Patching, rest_patch.cc
  Reply patch(const Call& call);
  ApiResult<Json> patched(const Call& call, const Json& stored) const;

  ApiResult<Json> body(const Call& call) const;
  ApiResult<Json> acceptedObject(const Call& call) const;
  std::optional<ApiError> nameNew(const Call& call, Json& object);
  std::optional<ApiError> admitAdminAccess(const Target& target, const Json& object) const;
  ApiResult<Json> update(const Call& call, const Json& old, Json object);
  ApiResult<Json> updateStatus(const Target& target, const Json& old, const Json& object);
  Json store(const Call& call, const ObjectKey& key, Json object);
  ApiResult<Json> removeOne(const Call& call, const ObjectKey& key, const Json& options);
  std::string newUid();

  base::Clock& clock_;
  std::mutex mutex_;
  std::mt19937_64 random_;
  Store store_;
  Watches watches_;
};

}  // namespace simgpu::standin
