#include "standin/rest.h"

#include <charconv>

#include "standin/admission.h"
#include "standin/json_access.h"
#include "standin/protobuf.h"
#include "standin/selector.h"
#include "standin/uri.h"

namespace simgpu::standin {

namespace {

using nlohmann::json;
constexpr auto kDefaultWatchTime = std::chrono::minutes(45);

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <typename Number>
std::optional<Number> parseNumber(std::string_view text) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// Where a list goes on: the version that it shows, and the last object of the page before.
struct ContinueToken {
  std::uint64_t version = 0;
  std::string space;
  std::string name;

  std::string encode() const {
    std::string text = fmt::format("{}/{}/{}", version, space, name);
    std::string encoded;
    for (unsigned char c : text) {
      encoded += fmt::format("{:02x}", c);
    }
    return encoded;
  }

  static std::optional<ContinueToken> decode(const std::string& encoded) {
    std::string escaped;
    for (std::size_t i = 0; i + 1 < encoded.size(); i += 2) {
      escaped += '%' + encoded.substr(i, 2);
    }
    std::string text = percentDecode(escaped);
    auto first = text.find('/');
    auto second = first == std::string::npos ? first : text.find('/', first + 1);
    if (second == std::string::npos) {
      return std::nullopt;
    }
    auto version = parseNumber<std::uint64_t>(std::string_view(text).substr(0, first));
    if (!version) {
      return std::nullopt;
    }
    return ContinueToken{*version, text.substr(first + 1, second - first - 1), text.substr(second + 1)};
  }
};

/// Items of a list come without kind and apiVersion.
json asItem(const json& object) {
  json item = object;
  item.erase("kind");
  item.erase("apiVersion");
  return item;
}

}  // namespace

Rest::Rest(base::Clock& clock) : clock_(clock), random_(std::random_device()()), watches_(clock) {
  store_.onChange([this](const Change& change) { watches_.publish(change); });
  for (const char* name : {"default", "kube-system"}) {
    kube::HttpRequest request{.method = "POST", .target = "/api/v1/namespaces", .deadline = {}};
    request.body = dump({{"metadata", {{"name", name}}}});
    handle(request);
  }
}

void Rest::compact() {
  std::lock_guard lock(mutex_);
  store_.compact();
}

Answer Rest::handle(const kube::HttpRequest& request) {
  Answer answer = answerInJson(request);
  if (request.accept.starts_with(kProtobuf) && !answer.watch) {
    if (auto form = protobufOf(json::parse(answer.response.body, nullptr, false))) {
      answer.response.body = *std::move(form);
    }
  }
  return answer;
}

Answer Rest::answerInJson(const kube::HttpRequest& request) {
  try {
    return route(request);
  } catch (const json::exception& problem) {  // something has another type than validation expects
    return {ApiError::badRequest(fmt::format("json: cannot unmarshal: {}", problem.what())).toResponse(), nullptr};
  } catch (const std::exception& problem) {
    return {ApiError::internal(problem.what()).toResponse(), nullptr};
  }
}

Answer Rest::route(const kube::HttpRequest& request) {
  auto question = request.target.find('?');
  std::string path = request.target.substr(0, question);
  if (path == "/readyz" || path == "/livez" || path == "/healthz") {
    return {{.status = 200, .body = "ok", .retryAfter = {}, .warnings = {}}, nullptr};
  }
  if (auto document = discovery(path)) {
    return {{.status = 200, .body = dump(*document), .retryAfter = {}, .warnings = {}}, nullptr};
  }
  auto target = parseTarget(path);
  if (!target) {
    return {ApiError::noSuchPath().toResponse(), nullptr};
  }
  Call call{request, *target, parseQuery(question == std::string::npos ? "" : request.target.substr(question + 1))};
  std::lock_guard lock(mutex_);
  if (request.method == "GET" && (call.option("watch") == "1" || call.option("watch") == "true")) {
    auto watching = watch(call);
    return watching ? Answer{{.status = 200, .body = {}, .retryAfter = {}, .warnings = {}}, *watching}
                    : Answer{watching.error().toResponse(), nullptr};
  }
  auto reply = dispatch(call);
  if (!reply) {
    return {reply.error().toResponse(), nullptr};
  }
  return {{.status = reply->first, .body = dump(reply->second), .retryAfter = {}, .warnings = {}}, nullptr};
}

Rest::Reply Rest::dispatch(const Call& call) {
  const std::string& method = call.request.method;
  const Target& target = call.target;
  bool isStatus = target.subresource == "status" && target.resource->hasStatus;
  if (target.subresource == "binding" && target.resource->plural == "pods") {
    return method == "POST" ? bind(call) : unexpected(ApiError::methodNotAllowed());
  }
  if (!target.subresource.empty() && !isStatus) {
    return unexpected(ApiError::noSuchPath());
  }
  if (target.name.empty()) {
    return method == "GET"      ? list(call)
           : method == "POST"   ? create(call)
           : method == "DELETE" ? removeCollection(call)
                                : unexpected(ApiError::methodNotAllowed());
  }
  if (method == "GET") {
    return get(call);
  }
  if (method == "PUT") {
    return replace(call);
  }
  if (method == "PATCH") {
    return patch(call);
  }
  if (method == "DELETE" && !isStatus) {
    return remove(call);
  }
  return unexpected(ApiError::methodNotAllowed());
}

Rest::Reply Rest::get(const Call& call) {
  auto object = store_.find(call.key());
  if (!object) {
    return unexpected(ApiError::notFound(call.target.subject()));
  }
  return std::pair(200, *object);
}

Rest::Reply Rest::list(const Call& call) {
  auto selector = Selector::parse(*call.target.resource, call.option("fieldSelector"), call.option("labelSelector"));
  if (!selector) {
    return unexpected(selector.error());
  }
  std::string atLeast = call.option("resourceVersion");
  auto minimum = atLeast.empty() ? std::uint64_t{0} : parseNumber<std::uint64_t>(atLeast);
  if (!minimum) {
    return unexpected(ApiError::badRequest(fmt::format("invalid resource version: \"{}\"", atLeast)));
  }
  if (*minimum > store_.version()) {
    return unexpected(ApiError::tooLargeResourceVersion(*minimum, store_.version()));
  }
  ContinueToken from{store_.version(), "", ""};
  if (std::string text = call.option("continue"); !text.empty()) {
    auto token = ContinueToken::decode(text);
    if (!token || token->version > store_.version()) {
      return unexpected(ApiError::badRequest("continue key is not valid: unrecognized token"));
    }
    if (token->version < store_.oldest()) {
      return unexpected(
          ApiError::expired("The provided continue parameter is too old to display a consistent list "
                            "result. Start a new list without the continue parameter"));
    }
    from = *token;
  }
  std::size_t limit = atLeast == "0" ? 0 : parseNumber<std::size_t>(call.option("limit")).value_or(0);
  json items = json::array();
  json metadata = {{"resourceVersion", std::to_string(from.version)}};
  std::size_t remaining = 0;
  ContinueToken next = from;
  for (const auto& [key, object] : store_.listAt(*call.target.resource, call.target.space, from.version)) {
    if (std::tie(key.space, key.name) <= std::tie(from.space, from.name) || !selector->matches(*object)) {
      continue;
    }
    if (limit > 0 && items.size() == limit) {
      ++remaining;
      continue;
    }
    items.push_back(asItem(*object));
    next.space = key.space;
    next.name = key.name;
  }
  if (remaining > 0) {
    metadata["continue"] = next.encode();
    if (selector->empty()) {
      metadata["remainingItemCount"] = remaining;
    }
  }
  return std::pair(200, json{{"kind", call.target.resource->kind + "List"},
                             {"apiVersion", call.target.resource->apiVersion()},
                             {"metadata", metadata},
                             {"items", items}});
}

ApiResult<std::shared_ptr<WatchQueue>> Rest::watch(const Call& call) {
  auto selector = Selector::parse(*call.target.resource, call.option("fieldSelector"), call.option("labelSelector"));
  if (!selector) {
    return unexpected(selector.error());
  }
  bool initialEvents = call.option("sendInitialEvents") == "true";
  if (initialEvents && call.option("resourceVersionMatch") != "NotOlderThan") {
    return unexpected(
        ApiError::invalid({"meta.k8s.io", "", "ListOptions", ""},
                          {FieldError::forbidden("resourceVersionMatch",
                                                 "sendInitialEvents requires setting resourceVersionMatch to "
                                                 "NotOlderThan")}));
  }
  auto seconds = parseNumber<long>(call.option("timeoutSeconds"));
  auto time = seconds ? base::Clock::Duration(std::chrono::seconds(*seconds)) : kDefaultWatchTime;
  auto watch = std::make_shared<WatchQueue>(WatchOptions{.resource = call.target.resource,
                                                         .space = call.target.space,
                                                         .name = call.target.name,
                                                         .selector = std::move(*selector),
                                                         .bookmarks = call.option("allowWatchBookmarks") == "true",
                                                         .end = clock_.now() + time});
  if (Status status = fillWatch(call, *watch, call.option("resourceVersion"), initialEvents); !status) {
    return unexpected(ApiError::internal(status.message()));
  }
  watches_.add(watch);
  return watch;
}

Status Rest::fillWatch(const Call& call, WatchQueue& watch, const std::string& from, bool initialEvents) {
  const Resource& resource = *call.target.resource;
  if (from.empty() || from == "0" || initialEvents) {
    for (const auto& [key, object] : store_.list(resource, call.target.space)) {
      watch.add({store_.version(), Change::Type::added, key, object, nullptr});
    }
    if (initialEvents && watch.options().bookmarks) {
      watch.addBookmark(store_.version(), true);
    }
    return {};
  }
  auto version = parseNumber<std::uint64_t>(from);
  if (!version) {
    return Status::invalidArgument("strconv.ParseUint: parsing \"{}\": invalid syntax", from);
  }
  if (*version < store_.oldest()) {
    watch.addError(ApiError::expired(fmt::format("too old resource version: {} ({})", *version, store_.oldest())));
    watch.end();
    return {};
  }
  for (const Change& change : store_.changesAfter(resource, *version)) {
    watch.add(change);
  }
  return {};
}

}  // namespace simgpu::standin
