#include "simgpu/kube/watch.h"

#include <string>
#include <string_view>

#include "kube/answer.h"
#include "kube/json_node.h"
#include "simgpu/kube/json.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;

/// In what the kinds differ that are watched.
template <typename Object>
struct Kind;

template <>
struct Kind<ResourceSlice> {
  static constexpr std::string_view kNames = "ResourceSlices";
  static constexpr std::string_view kResource = "resourceslices";
  static Result<ResourceSlice> decode(const nlohmann::json& json) { return resourceSliceOrIdentity(json); }
};

template <>
struct Kind<ResourceClaim> {
  static constexpr std::string_view kNames = "ResourceClaims";
  static constexpr std::string_view kResource = "resourceclaims";
  static Result<ResourceClaim> decode(const nlohmann::json& json) { return resourceClaimOrIdentity(json); }
};

template <typename Object>
Operation watchOperation() {
  return {.what = fmt::format("watch {}", Kind<Object>::kNames),
          .verb = "watch",
          .resource = Kind<Object>::kResource,
          .group = "resource.k8s.io"};
}

std::optional<WatchEventType> typeOf(std::string_view text) {
  if (text == "ADDED") {
    return WatchEventType::added;
  }
  if (text == "MODIFIED") {
    return WatchEventType::modified;
  }
  if (text == "DELETED") {
    return WatchEventType::deleted;
  }
  if (text == "BOOKMARK") {
    return WatchEventType::bookmark;
  }
  return std::nullopt;
}

/// One line of a watch: `metav1.WatchEvent`.
template <typename Object>
Result<WatchEvent<Object>> eventFrom(const Operation& operation, const std::string& line) {
  auto document = parseJson(line);
  if (!document) {
    return unexpected(document.error().with("{}: event of the API server", operation.what));
  }
  Status failure;
  const JsonNode root(*document, failure);
  std::string type;
  root["type"].to(type);
  const auto object = root["object"];
  if (failure.ok() && type == "ERROR") {
    return unexpected(statusOfObject(operation, object.raw()));
  }
  WatchEvent<Object> event;
  if (auto known = typeOf(type)) {
    event.type = *known;
  } else if (failure.ok()) {
    failure = Status::dataLoss("type: \"{}\" is not a type of event", type);
  }
  auto decoded = Kind<Object>::decode(object.raw());
  if (failure.ok() && !decoded) {
    failure = decoded.error().with("object");
  }
  if (!failure.ok()) {
    return unexpected(failure.with("{}: event of the API server", operation.what));
  }
  event.object = *std::move(decoded);
  return event;
}

}  // namespace

template <typename Object>
typename Watch<Object>::Batch Watch<Object>::take() {
  Batch batch;
  if (over_) {
    return batch;
  }
  const Operation operation = watchOperation<Object>();
  auto arrived = stream_->take();
  for (const auto& line : arrived.lines) {
    if (line.empty()) {
      continue;
    }
    auto event = eventFrom<Object>(operation, line);
    if (!event) {
      batch.ended = event.error();
      break;
    }
    batch.events.push_back(*std::move(event));
  }
  if (!batch.ended && arrived.error) {
    batch.ended = statusOfAnswer(operation, *arrived.error);
  } else if (!batch.ended && arrived.ended) {
    batch.ended = arrived.ended->with("{}", operation.what);
  }
  over_ = batch.ended.has_value();
  return batch;
}

template class Watch<ResourceSlice>;
template class Watch<ResourceClaim>;

}  // namespace simgpu::kube
