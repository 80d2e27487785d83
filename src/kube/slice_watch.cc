#include "kube/answer.h"
#include "kube/json_node.h"
#include "simgpu/kube/client.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;

Operation watchOperation() {
  return {.what = "watch ResourceSlices", .verb = "watch", .resource = "resourceslices", .group = "resource.k8s.io"};
}

std::optional<SliceEvent::Type> typeOf(std::string_view text) {
  if (text == "ADDED") {
    return SliceEvent::Type::added;
  }
  if (text == "MODIFIED") {
    return SliceEvent::Type::modified;
  }
  if (text == "DELETED") {
    return SliceEvent::Type::deleted;
  }
  if (text == "BOOKMARK") {
    return SliceEvent::Type::bookmark;
  }
  return std::nullopt;
}

/// One line of a watch: `metav1.WatchEvent`.
Result<SliceEvent> eventFrom(const std::string& line) {
  auto document = parseJson(line);
  if (!document) {
    return unexpected(document.error().with("{}: event of the API server", watchOperation().what));
  }
  Status failure;
  const JsonNode root(*document, failure);
  std::string type;
  root["type"].to(type);
  const auto object = root["object"];
  if (failure.ok() && type == "ERROR") {
    return unexpected(statusOfObject(watchOperation(), object.raw()));
  }
  SliceEvent event;
  if (auto known = typeOf(type)) {
    event.type = *known;
  } else if (failure.ok()) {
    failure = Status::dataLoss("type: \"{}\" is not a type of event", type);
  }
  auto slice = resourceSliceOrIdentity(object.raw());
  if (failure.ok() && !slice) {
    failure = slice.error().with("object");
  }
  if (!failure.ok()) {
    return unexpected(failure.with("{}: event of the API server", watchOperation().what));
  }
  event.slice = *std::move(slice);
  return event;
}

}  // namespace

SliceWatch::Batch SliceWatch::take() {
  Batch batch;
  if (over_) {
    return batch;
  }
  auto arrived = stream_->take();
  for (const auto& line : arrived.lines) {
    if (line.empty()) {
      continue;
    }
    auto event = eventFrom(line);
    if (!event) {
      batch.ended = event.error();
      break;
    }
    batch.events.push_back(*std::move(event));
  }
  if (!batch.ended && arrived.error) {
    batch.ended = statusOfAnswer(watchOperation(), *arrived.error);
  } else if (!batch.ended && arrived.ended) {
    batch.ended = arrived.ended->with("{}", watchOperation().what);
  }
  over_ = batch.ended.has_value();
  return batch;
}

}  // namespace simgpu::kube
