#include "simgpu/kube/client.h"

#include <optional>
#include <utility>

#include "kube/answer.h"
#include "kube/await.h"
#include "kube/json_node.h"
#include "kube/protobuf_decode.h"
#include "kube/target.h"
#include "kube/throttle.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;

constexpr std::string_view kGroup = "resource.k8s.io";

/// As client-go's pager.
constexpr int kPageSize = 500;

/// How often a list starts again because its continue token expired.
constexpr int kMaxListRestarts = 3;

/// How long the headers of a watch may take.
constexpr std::chrono::seconds kWatchHeaders{30};

Operation sliceOperation(std::string_view what, std::string_view verb, std::string_view name) {
  return {.what = name.empty() ? std::string(what) : fmt::format("{} {}", what, name),
          .verb = verb,
          .resource = "resourceslices",
          .group = kGroup};
}

Operation eventOperation(std::string_view verb, const Event& event) {
  const auto& about = event.about;
  return {.what = fmt::format("{} Event {} of {} {}{}{}", verb, event.reason, about.kind, about.space,
                              about.space.empty() ? "" : "/", about.name),
          .verb = verb,
          .resource = "events",
          .group = {}};
}

HttpRequest get(std::string target, base::Clock::TimePoint deadline) {
  HttpRequest request;
  request.target = std::move(target);
  request.deadline = deadline;
  return request;
}

/// A page of a list; put together, the whole list.
template <typename Item>
struct Page {
  std::vector<Item> items;
  std::string resourceVersion;
  std::string next;
};

/// `decode` may answer nothing for an item that is to be left out.
template <typename Item>
Result<Page<Item>> pageFromJson(const json& document, Result<std::optional<Item>> (*decode)(const json&)) {
  Status failure;
  const JsonNode root(document, failure);
  Page<Item> page;
  root["metadata"]["resourceVersion"].to(page.resourceVersion);
  root["metadata"]["continue"].to(page.next);
  root["items"].each([&](const JsonNode& node) {
    if (auto item = decode(node.raw()); !item) {
      node.fail(item.error().message());
    } else if (*item) {
      page.items.push_back(**std::move(item));
    }
  });
  if (!failure.ok()) {
    return unexpected(std::move(failure));
  }
  return page;
}

Result<Page<ResourceSlice>> slicesFromJson(const json& document) {
  return pageFromJson<ResourceSlice>(document, [](const json& item) -> Result<std::optional<ResourceSlice>> {
    auto slice = resourceSliceOrIdentity(item);
    return slice ? Result<std::optional<ResourceSlice>>(*std::move(slice)) : unexpected(slice.error());
  });
}

/// Without those that cannot be understood: they are somebody's, and no reason to know nothing of the others.
Result<Page<ResourceClaim>> claimsFromJson(const json& document) {
  return pageFromJson<ResourceClaim>(document, [](const json& item) -> Result<std::optional<ResourceClaim>> {
    auto claim = resourceClaimFromJson(item);
    return claim ? std::optional<ResourceClaim>(*std::move(claim)) : std::nullopt;
  });
}

/// The items that are `wanted` of all pages; begins again when the token of a page has expired.
template <typename Item>
Result<Page<Item>> readPages(const Operation& operation, const std::string& target,
                             Result<Page<Item>> (*decode)(const json&), const std::function<bool(const Item&)>& wanted,
                             const std::function<Result<HttpResponse>(std::string target)>& read) {
  Page<Item> list;
  for (int restarts = 0;;) {
    auto page = decodeAnswer(
        operation, read(list.next.empty() ? target : fmt::format("{}&continue={}", target, escaped(list.next))),
        decode);
    if (!page && page.error().code() == Code::expired && !list.next.empty() && restarts++ < kMaxListRestarts) {
      list = {};
      continue;
    }
    if (!page) {
      return unexpected(page.error());
    }
    for (Item& item : page->items) {
      if (wanted(item)) {
        list.items.push_back(std::move(item));
      }
    }
    list.resourceVersion = page->resourceVersion;
    list.next = page->next;
    if (list.next.empty()) {
      return list;
    }
  }
}

/// Spreads `now` over 300…600 s, so that the watches of many processes do not end together. (client-go draws at
/// random.)
int watchSeconds(base::Clock::TimePoint now, std::string_view seed) {
  auto bits = static_cast<std::uint64_t>(now.time_since_epoch().count()) ^ std::hash<std::string_view>()(seed);
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return 300 + static_cast<int>((bits ^ (bits >> 31)) % 301);
}

}  // namespace

Client::Client(Transport& transport, base::Clock& clock, RateLimit limit, base::Logger log)
    : transport_(transport), clock_(clock), log_(std::move(log)), throttle_(std::make_unique<Throttle>(limit, clock)) {}

Client::~Client() = default;

PendingClaim Client::startGetClaim(std::string_view space, std::string_view name, base::Clock::TimePoint deadline) {
  auto request = get(claimPath(space, name), deadline);
  request.accept = kProtobufOrJson;
  return {transport_.send(std::move(request)), std::string(space), std::string(name)};
}

Result<HttpResponse> Client::send(std::string_view what, HttpRequest request, const Wait& wait) {
  request.deadline = wait.deadline;
  if (auto turn = throttle_->wait(wait); !turn.ok()) {
    return unexpected(std::move(turn));
  }
  auto response = awaitAnswer(transport_.send(std::move(request)), [&wait] { return wait.stop.stop_requested(); });
  if (response) {
    for (const auto& warning : response->warnings) {
      log_.warning("The API server warns", {{"operation", what}, {"warning", warning}});
    }
  }
  return response;
}

Result<Node> Client::getNode(std::string_view name, const Wait& wait) {
  const Operation operation{.what = fmt::format("read Node {}", name), .verb = "get", .resource = "nodes", .group = {}};
  return decodeAnswer(operation, send(operation.what, get(nodePath(name), wait.deadline), wait), nodeFromJson);
}

Result<ServerVersion> Client::getServerVersion(const Wait& wait) {
  const Operation operation{
      .what = "read the version of the API server", .verb = "get", .resource = "/version", .group = {}};
  return decodeAnswer(operation, send(operation.what, get("/version", wait.deadline), wait), serverVersionFromJson);
}

Result<ResourceSliceList> Client::listSlices(std::string_view driver, std::string_view nodeName, const Wait& wait) {
  const auto operation = sliceOperation("list ResourceSlices", "list", {});
  auto list = readPages<ResourceSlice>(
      operation, fmt::format("{}?{}&limit={}", slicesPath(), sliceSelector(driver, nodeName), kPageSize),
      slicesFromJson, [](const ResourceSlice&) { return true; },
      [&](std::string target) { return send(operation.what, get(std::move(target), wait.deadline), wait); });
  if (!list) {
    return unexpected(list.error());
  }
  return ResourceSliceList{.items = std::move(list->items), .resourceVersion = std::move(list->resourceVersion)};
}

Result<ResourceClaimList> Client::listClaims(const std::function<bool(const ResourceClaim&)>& wanted,
                                             const Wait& wait) {
  const Operation operation{
      .what = "list ResourceClaims", .verb = "list", .resource = "resourceclaims", .group = kGroup};
  auto list = readPages<ResourceClaim>(
      operation, fmt::format("{}?limit={}", allClaimsPath(), kPageSize), claimsFromJson, wanted,
      [&](std::string target) { return send(operation.what, get(std::move(target), wait.deadline), wait); });
  if (!list) {
    return unexpected(list.error());
  }
  return ResourceClaimList{.items = std::move(list->items), .resourceVersion = std::move(list->resourceVersion)};
}

template <typename Object>
std::unique_ptr<Watch<Object>> Client::watch(std::string target, std::string_view seed,
                                             std::string_view resourceVersion, std::function<void()> wake) {
  throttle_->take();
  const auto now = clock_.now();
  const std::chrono::seconds lifetime(watchSeconds(now, seed));
  target += fmt::format("watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                        escaped(resourceVersion), lifetime.count());
  // A quiet server may send nothing at all until it ends the watch.
  return std::make_unique<Watch<Object>>(transport_.stream(get(std::move(target), now + kWatchHeaders),
                                                           lifetime + std::chrono::seconds(30), std::move(wake)));
}

std::unique_ptr<Watch<ResourceSlice>> Client::watchSlices(std::string_view driver, std::string_view nodeName,
                                                          std::string_view resourceVersion,
                                                          std::function<void()> wake) {
  return watch<ResourceSlice>(fmt::format("{}?{}&", slicesPath(), sliceSelector(driver, nodeName)), nodeName,
                              resourceVersion, std::move(wake));
}

std::unique_ptr<Watch<ResourceClaim>> Client::watchClaims(std::string_view resourceVersion,
                                                          std::function<void()> wake) {
  return watch<ResourceClaim>(allClaimsPath() + "?", "", resourceVersion, std::move(wake));
}

Result<ResourceSlice> Client::createSlice(const ResourceSlice& slice, const Wait& wait) {
  const auto& metadata = slice.metadata;
  const auto operation =
      sliceOperation("create ResourceSlice", "create", metadata.name.empty() ? metadata.generateName : metadata.name);
  return decodeAnswer(
      operation,
      send(operation.what,
           {.method = "POST", .target = slicesPath(), .body = dumpJson(toJson(slice)), .deadline = wait.deadline},
           wait),
      resourceSliceFromJson);
}

Result<ResourceSlice> Client::updateSlice(const ResourceSlice& slice, const Wait& wait) {
  const auto& name = slice.metadata.name;
  const auto operation = sliceOperation("update ResourceSlice", "update", name);
  if (name.empty()) {
    return unexpected(Status::invalidArgument("{}: the slice has no name", operation.what));
  }
  return decodeAnswer(
      operation,
      send(operation.what,
           {.method = "PUT", .target = slicesPath(name), .body = dumpJson(toJson(slice)), .deadline = wait.deadline},
           wait),
      resourceSliceFromJson);
}

Status Client::deleteSlice(const ObjectMeta& slice, const Wait& wait) {
  const auto operation = sliceOperation("delete ResourceSlice", "delete", slice.name);
  if (slice.name.empty() || slice.uid.empty()) {
    return Status::invalidArgument("{}: the slice has no name or no UID", operation.what);
  }
  json options = json::object();
  options["kind"] = "DeleteOptions";
  options["apiVersion"] = "v1";
  options["preconditions"]["uid"] = slice.uid;
  auto response =
      send(operation.what,
           {.method = "DELETE", .target = slicesPath(slice.name), .body = dumpJson(options), .deadline = wait.deadline},
           wait);
  if (!response) {
    return response.error().with("{}", operation.what);
  }
  auto status = statusOfAnswer(operation, *response);
  // With the UID as the only precondition, a precondition that failed means that the name belongs to another object.
  bool replaced = status.code() == Code::conflict && status.message().find("Precondition failed") != std::string::npos;
  return status.code() == Code::notFound || replaced ? Status() : status;
}

Status Client::createEvent(const Event& event, const Wait& wait) {
  const auto operation = eventOperation("create", event);
  auto response = send(operation.what,
                       {.method = "POST",
                        .target = eventsPath(event.about.space),
                        .body = dumpJson(toJson(event)),
                        .deadline = wait.deadline},
                       wait);
  return response ? statusOfAnswer(operation, *response) : response.error().with("{}", operation.what);
}

Status Client::repeatEvent(const Event& event, const Wait& wait) {
  const auto operation = eventOperation("patch", event);
  if (event.name.empty()) {
    return Status::invalidArgument("{}: the Event has no name", operation.what);
  }
  json whole = toJson(event);
  json patch = {{"count", whole["count"]}, {"lastTimestamp", whole["lastTimestamp"]}};
  auto response = send(operation.what,
                       {.method = "PATCH",
                        .target = fmt::format("{}/{}", eventsPath(event.about.space), escaped(event.name)),
                        .body = dumpJson(patch),
                        .contentType = "application/merge-patch+json",
                        .deadline = wait.deadline},
                       wait);
  return response ? statusOfAnswer(operation, *response) : response.error().with("{}", operation.what);
}

}  // namespace simgpu::kube
