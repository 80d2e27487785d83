#include <algorithm>

#include "standin/admission.h"
#include "standin/apply.h"
#include "standin/json_access.h"
#include "standin/rest.h"
#include "standin/yaml.h"

namespace simgpu::standin {

namespace {

using nlohmann::json;
constexpr std::size_t kMaxGeneratedPrefix = 58;

bool wantsAdminAccess(const json& claimSpec) {
  const json& requests = at(at(claimSpec, "devices"), "requests");
  return std::ranges::any_of(requests,
                             [](const json& request) { return flagAt(at(request, "exactly"), "adminAccess"); });
}

/// Equal but for what every write changes.
bool sameContent(json left, const json& right) {
  left["metadata"]["resourceVersion"] = at(at(right, "metadata"), "resourceVersion");
  return left == right;
}

/// What the server owns in the metadata of an existing object.
void keepServerMetadata(json& object, const json& old) {
  for (const char* name : {"uid", "creationTimestamp", "generation", "resourceVersion", "generateName",
                           "deletionTimestamp", "deletionGracePeriodSeconds", "name", "namespace", "managedFields"}) {
    const json& value = at(at(old, "metadata"), name);
    if (value.is_null()) {
      object["metadata"].erase(name);
    } else {
      object["metadata"][name] = value;
    }
  }
}

}  // namespace

ApiResult<json> Rest::body(const Call& call) const {
  const std::string type = mediaTypeOf(call.request.contentType);
  if (call.request.body.empty()) {
    return json::object();
  }
  if (type == "application/yaml" || type == kApplyPatch) {
    auto value = yamlToJson(call.request.body);
    if (!value) {
      return unexpected(ApiError::badRequest(value.error().message()));
    }
    return *value;
  }
  if (type != "application/json" && type != kMergePatch && !type.empty()) {
    return unexpected(ApiError::unsupportedMediaType(type));
  }
  json value = json::parse(call.request.body, nullptr, false);
  if (value.is_discarded() || !value.is_object()) {
    return unexpected(ApiError::badRequest("the object provided is unrecognized (must be of type " +
                                           call.target.resource->kind + ")"));
  }
  return value;
}

ApiResult<json> Rest::acceptedObject(const Call& call) const {
  auto object = body(call);
  if (!object) {
    return object;
  }
  const Resource& resource = *call.target.resource;
  for (const auto& [name, expected] :
       {std::pair("apiVersion", resource.apiVersion()), std::pair("kind", resource.kind)}) {
    std::string given = textAt(*object, name);
    if (!given.empty() && given != expected) {
      return unexpected(ApiError::badRequest(
          fmt::format("the {} in the data ({}) does not match the expected one ({})", name, given, expected)));
    }
    (*object)[name] = expected;
  }
  if (!at(*object, "metadata").is_object()) {
    (*object)["metadata"] = json::object();
  }
  std::string space = textAt((*object)["metadata"], "namespace");
  if (!space.empty() && space != call.target.space) {
    return unexpected(
        ApiError::badRequest("the namespace of the provided object does not match the namespace sent on the request"));
  }
  if (resource.namespaced) {
    (*object)["metadata"]["namespace"] = call.target.space;
  }
  return object;
}

std::string Rest::newUid() {
  std::uint64_t high = random_();
  std::uint64_t low = random_();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xfff,
                     0x8000 | ((low >> 48) & 0x3fff), low & 0xffffffffffffULL);
}

std::optional<ApiError> Rest::nameNew(const Call& call, json& object) {
  json& metadata = object["metadata"];
  std::string name = textAt(metadata, "name");
  std::string prefix = textAt(metadata, "generateName");
  ErrorSubject subject = call.target.subject();
  if (name.empty() && prefix.empty()) {
    return ApiError::invalid(subject, {FieldError::required("metadata.name", "name or generateName is required")});
  }
  bool generated = name.empty();
  do {
    if (generated) {
      constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
      name = prefix.substr(0, kMaxGeneratedPrefix);
      for (int i = 0; i < 5; ++i) {
        name += kAlphabet[random_() % kAlphabet.size()];
      }
    }
  } while (generated && store_.find({call.target.resource, call.target.space, name}));
  metadata["name"] = name;
  subject.name = name;
  if (!isDnsSubdomain(name)) {
    return ApiError::invalid(subject, {FieldError::invalid(generated ? "metadata.generateName" : "metadata.name", name,
                                                           "a lowercase RFC 1123 subdomain must consist of lower case "
                                                           "alphanumeric characters, '-' or '.', and must start and "
                                                           "end with an alphanumeric character")});
  }
  if (store_.find({call.target.resource, call.target.space, name})) {
    return ApiError::alreadyExists(subject);
  }
  return std::nullopt;
}

std::optional<ApiError> Rest::admitAdminAccess(const Target& target, const json& object) const {
  const json& spec = at(object, "spec");
  bool isTemplate = target.resource->plural == "resourceclaimtemplates";
  if ((!isTemplate && target.resource->plural != "resourceclaims") ||
      !wantsAdminAccess(isTemplate ? at(spec, "spec") : spec)) {
    return std::nullopt;
  }
  auto space = store_.find({parseTarget("/api/v1/namespaces/x")->resource, "", target.space});
  if (space && textAt(at(at(*space, "metadata"), "labels"), "resource.kubernetes.io/admin-access") == "true") {
    return std::nullopt;
  }
  ErrorSubject subject = target.subject();
  subject.name = textAt(at(object, "metadata"), "name");
  return ApiError::invalid(subject,
                           {FieldError::forbidden(isTemplate ? "spec.spec.devices.requests" : "spec.devices.requests",
                                                  "admin access to devices requires the "
                                                  "`resource.kubernetes.io/admin-access: true` label on the "
                                                  "containing namespace")});
}

json Rest::store(const Call& call, const ObjectKey& key, json object) {
  return call.dryRun() ? object : *store_.put(key, std::move(object));
}

Rest::Reply Rest::create(const Call& call) {
  const Resource& resource = *call.target.resource;
  if (resource.namespaced && call.target.space.empty()) {
    return unexpected(ApiError::methodNotAllowed());
  }
  auto accepted = acceptedObject(call);
  if (!accepted) {
    return unexpected(accepted.error());
  }
  if (!textAt((*accepted)["metadata"], "resourceVersion").empty()) {
    return unexpected(ApiError::internal("resourceVersion should not be set on objects to be created"));
  }
  if (resource.hasStatus) {
    accepted->erase("status");
  }
  auto object = withDefaults(resource, std::move(*accepted), clock_.wallTime());
  if (!object) {
    return unexpected(object.error());
  }
  if (auto error = nameNew(call, *object)) {
    return unexpected(*error);
  }
  if (auto error = admitAdminAccess(call.target, *object)) {
    return unexpected(*error);
  }
  json& metadata = (*object)["metadata"];
  metadata["uid"] = newUid();
  metadata["creationTimestamp"] = rfc3339(clock_.wallTime());
  metadata.erase("deletionTimestamp");
  if (resource.hasGeneration) {
    metadata["generation"] = 1;
  }
  Call named = call;
  named.target.name = metadata["name"].get<std::string>();
  if (auto errors = validateObject(resource, *object, nullptr); !errors.empty()) {
    return unexpected(ApiError::invalid(named.target.subject(), errors));
  }
  return std::pair(201, store(call, named.key(), std::move(*object)));
}

Rest::Reply Rest::bind(const Call& call) {
  auto stored = store_.find(call.key());
  auto binding = body(call);
  if (!stored || !binding) {
    return unexpected(stored ? binding.error() : ApiError::notFound(call.target.subject()));
  }
  std::string node = textAt(at(*binding, "target"), "name");
  std::string bound = textAt(at(*stored, "spec"), "nodeName");
  if (!bound.empty()) {
    return unexpected(ApiError::conflict(
        call.target.subject(), fmt::format("pod {} is already assigned to node \"{}\"", call.target.name, bound)));
  }
  json pod = *stored;
  pod["spec"]["nodeName"] = node;
  store(call, call.key(), std::move(pod));
  return std::pair(201, json{{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Success"}, {"code", 201}});
}

Rest::Reply Rest::replace(const Call& call) {
  auto object = acceptedObject(call);
  if (!object) {
    return unexpected(object.error());
  }
  std::string name = textAt((*object)["metadata"], "name");
  if (name != call.target.name) {
    return unexpected(ApiError::badRequest(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.target.name)));
  }
  auto stored = store_.find(call.key());
  if (!stored) {
    return unexpected(ApiError::notFound(call.target.subject()));
  }
  auto updated = update(call, *stored, std::move(*object));
  if (!updated) {
    return unexpected(updated.error());
  }
  return std::pair(200, std::move(*updated));
}

ApiResult<json> Rest::update(const Call& call, const json& old, json object) {
  const Target& target = call.target;
  const json& metadata = at(object, "metadata");
  std::string version = textAt(metadata, "resourceVersion");
  if (!version.empty() && version != "0" && version != textAt(old["metadata"], "resourceVersion")) {
    return unexpected(ApiError::conflict(target.subject(),
                                         "the object has been modified; please apply your changes to the latest "
                                         "version and try again"));
  }
  std::string uid = textAt(metadata, "uid");
  std::string oldUid = textAt(old["metadata"], "uid");
  if (call.request.method == "PATCH" && !uid.empty() && uid != oldUid) {
    return unexpected(
        ApiError::invalid(target.subject(), {FieldError::invalid("metadata.uid", uid, "field is immutable")}));
  }
  if (!uid.empty() && uid != oldUid) {
    return unexpected(ApiError::conflict(
        target.subject(),
        fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid, oldUid)));
  }
  ApiResult<json> next;
  if (target.subresource == "status") {
    next = updateStatus(target, old, object);
  } else {
    keepServerMetadata(object, old);
    if (target.resource->hasStatus) {
      object.erase("status");
      if (old.contains("status")) {
        object["status"] = old["status"];
      }
    }
    next = withDefaults(*target.resource, std::move(object), clock_.wallTime());
    if (next) {
      if (auto errors = validateObject(*target.resource, *next, &old); !errors.empty()) {
        next = unexpected(ApiError::invalid(target.subject(), errors));
      }
    }
  }
  if (next && old["metadata"].contains("managedFields")) {
    (*next)["metadata"]["managedFields"] = managedFieldsAfter(old, *next);
  }
  if (next && mediaTypeOf(call.request.contentType) == kApplyPatch) {
    (*next)["metadata"]["managedFields"] = at(metadata, "managedFields");
  }
  if (!next || sameContent(*next, old)) {
    return next ? ApiResult<json>(old) : next;
  }
  json& stamped = (*next)["metadata"];
  if (target.resource->hasGeneration && at(*next, "spec") != at(old, "spec")) {
    stamped["generation"] = numberAt(stamped, "generation") + 1;
  }
  if (stamped.contains("deletionTimestamp") && at(stamped, "finalizers").empty() &&
      !stamped.contains("deletionGracePeriodSeconds")) {
    store(call, call.key(), *next);  // the last finalizer is gone
    return call.dryRun() ? *next : *store_.erase(call.key());
  }
  return store(call, call.key(), std::move(*next));
}

ApiResult<json> Rest::updateStatus(const Target& target, const json& old, const json& object) {
  json next = old;
  next["status"] = at(object, "status").is_object() ? at(object, "status") : json::object();
  if (target.resource->plural != "resourceclaims") {
    return next;
  }
  json& status = next["status"];
  if (at(status, "allocation").is_null()) {
    status.erase("allocation");
    if (!at(at(old, "status"), "allocation").is_null()) {
      status.erase("devices");  // deallocation takes the device status with it
    }
  }
  if (auto errors = validateClaimStatus(next, old); !errors.empty()) {
    return unexpected(ApiError::invalid(target.subject(), errors));
  }
  if (status.empty()) {
    next.erase("status");
  }
  return next;
}

ApiResult<json> Rest::removeOne(const Call& call, const ObjectKey& key, const json& options) {
  auto stored = store_.find(key);
  ErrorSubject subject{key.resource->group, key.resource->plural, key.resource->kind, key.name};
  if (!stored) {
    return unexpected(ApiError::notFound(subject));
  }
  const json& metadata = (*stored)["metadata"];
  for (auto [name, label] : {std::pair("uid", "UID"), std::pair("resourceVersion", "ResourceVersion")}) {
    std::string expected = textAt(at(options, "preconditions"), name);
    std::string actual = textAt(metadata, name);
    if (!expected.empty() && expected != actual) {
      return unexpected(ApiError::conflict(subject, fmt::format("Precondition failed: {} in precondition: {}, {} in "
                                                                "object meta: {}",
                                                                label, expected, label, actual)));
    }
  }
  std::string phase = textAt(at(*stored, "status"), "phase");
  bool running = key.resource->plural == "pods" && !textAt(at(*stored, "spec"), "nodeName").empty() &&
                 phase != "Succeeded" && phase != "Failed";
  std::int64_t grace = numberAt(at(*stored, "spec"), "terminationGracePeriodSeconds", 30);
  std::string inQuery = call.option("gracePeriodSeconds");
  grace = inQuery == "0" ? 0 : numberAt(options, "gracePeriodSeconds", grace);
  bool waits = (running && grace > 0) || !at(metadata, "finalizers").empty();
  if (call.dryRun() || (waits && metadata.contains("deletionTimestamp"))) {
    return *stored;
  }
  if (!waits) {
    return *store_.erase(key);
  }
  json ending = *stored;
  ending["metadata"]["deletionTimestamp"] = rfc3339(clock_.wallTime() + std::chrono::seconds(running ? grace : 0));
  if (running && grace > 0) {
    ending["metadata"]["deletionGracePeriodSeconds"] = grace;
  }
  return *store_.put(key, std::move(ending));
}

Rest::Reply Rest::remove(const Call& call) {
  auto options = body(call);
  if (!options) {
    return unexpected(options.error());
  }
  auto removed = removeOne(call, call.key(), *options);
  if (!removed) {
    return unexpected(removed.error());
  }
  return std::pair(200, std::move(*removed));
}

Rest::Reply Rest::removeCollection(const Call& call) {
  auto options = body(call);
  auto found = list(call);
  if (!options || !found) {
    return unexpected(options ? found.error() : options.error());
  }
  for (const json& item : found->second["items"]) {
    ObjectKey key{call.target.resource, textAt(item["metadata"], "namespace"), textAt(item["metadata"], "name")};
    if (auto removed = removeOne(call, key, *options); !removed) {
      return unexpected(removed.error());
    }
  }
  return found;
}

}  // namespace simgpu::standin
