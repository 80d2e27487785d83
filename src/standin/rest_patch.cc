#include "standin/admission.h"
#include "standin/apply.h"
#include "standin/json_access.h"
#include "standin/rest.h"

namespace simgpu::standin {

using nlohmann::json;

std::string mediaTypeOf(std::string_view contentType) {
  std::string type(contentType.substr(0, contentType.find(';')));
  while (!type.empty() && type.back() == ' ') {
    type.pop_back();
  }
  return type;
}

Rest::Reply Rest::patch(const Call& call) {
  auto stored = store_.find(call.key());
  if (!stored) {
    return unexpected(ApiError::notFound(call.target.subject()));
  }
  auto object = patched(call, *stored);
  auto updated = object ? update(call, *stored, std::move(*object)) : std::move(object);
  if (!updated) {
    return unexpected(updated.error());
  }
  return std::pair(200, std::move(*updated));
}

ApiResult<json> Rest::patched(const Call& call, const json& stored) const {
  std::string type = mediaTypeOf(call.request.contentType);
  bool applies =
      type == kApplyPatch && call.target.subresource == "status" && call.target.resource->plural == "resourceclaims";
  if (!applies && type != kMergePatch) {
    return unexpected(ApiError::unsupportedMediaType(type));
  }
  auto change = body(call);
  if (!change) {
    return change;
  }
  json object = stored;
  if (!applies) {
    object.merge_patch(*change);
    return object;
  }
  std::string manager = call.option("fieldManager");
  if (manager.empty()) {
    return unexpected(ApiError::invalid({"meta.k8s.io", "", "PatchOptions", ""},
                                        {FieldError::required("fieldManager", "is required for apply patch")}));
  }
  auto applied =
      applyStatus(stored, *change,
                  {.manager = manager, .force = call.option("force") == "true", .time = rfc3339(clock_.wallTime())});
  for (const char* name : {"uid", "resourceVersion"}) {
    if (std::string given = textAt(at(*change, "metadata"), name); applied && !given.empty()) {
      (*applied)["metadata"][name] = given;
    }
  }
  return applied;
}

}  // namespace simgpu::standin
