#include "simgpu/standin/api_server.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "kube/protobuf_decode.h"
#include "standin/api_error.h"
#include "standin/json_access.h"
#include "standin/protobuf.h"
#include "standin/rest.h"

namespace simgpu::standin {

namespace {

using kube::HttpRequest;
using kube::HttpResponse;
using nlohmann::json;

constexpr auto kLookAtClient = std::chrono::milliseconds(100);

/// A watch as the in-process transport hands it out. It never falls silent as a connection can.
class LocalStream final : public kube::HttpStream {
 public:
  LocalStream(Answer answer, std::function<void()> wake) : watch_(std::move(answer.watch)) {
    if (watch_) {
      watch_->onNews(std::move(wake));
    } else {
      error_ = std::move(answer.response);
      refusal_ = std::jthread(std::move(wake));
    }
  }

  ~LocalStream() override {
    if (watch_) {
      watch_->onNews({});
      watch_->end();
    }
  }

  Batch take() override {
    Batch batch;
    if (over_) {
      return batch;
    }
    if (error_) {
      batch.error = std::exchange(error_, std::nullopt);
      batch.ended = Status();
      over_ = true;
      return batch;
    }
    auto news = watch_->take();
    batch.lines = std::move(news.lines);
    if (news.ended) {
      batch.ended = Status();
    }
    over_ = batch.ended.has_value();
    return batch;
  }

 private:
  std::shared_ptr<WatchQueue> watch_;
  std::optional<HttpResponse> error_;
  bool over_ = false;
  std::jthread refusal_;  ///< Tells the client of `error_`, which must not be done on its own thread.
};

/// Sends the lines of a watch until it ends or the client is gone.
void streamWatch(WatchQueue& watch, http::BodyWriter& writer) {
  std::mutex mutex;
  std::condition_variable changed;
  bool news = true;
  watch.onNews([&] {
    std::lock_guard lock(mutex);
    news = true;
    changed.notify_all();
  });
  bool going = true;
  while (going && writer.open()) {
    {
      std::unique_lock lock(mutex);
      changed.wait_for(lock, kLookAtClient, [&] { return news; });
      news = false;
    }
    auto batch = watch.take();
    for (const std::string& line : batch.lines) {
      going = going && writer.write(line + "\n");
    }
    going = going && !batch.ended;
  }
  watch.onNews({});
  watch.end();
}

}  // namespace

class ApiServer::Impl {
 public:
  explicit Impl(base::Clock& clock) : rest(clock) {}

  Answer handle(const HttpRequest& request) {
    if (auto answer = count(request)) {
      return {std::move(*answer), nullptr};
    }
    return rest.handle(request);
  }

  json call(std::string_view method, std::string_view path, const json& body, Status& status) {
    HttpRequest request{.method = std::string(method), .target = std::string(path), .deadline = {}};
    request.body = body.is_null() ? "" : body.dump(-1, ' ', false, json::error_handler_t::replace);
    HttpResponse response = rest.handle(request).response;
    status = statusOfResponse(response);
    return json::parse(response.body, nullptr, false);
  }

  mutable std::mutex mutex;
  Interceptor interceptor;
  std::map<std::pair<std::string, std::string>, std::size_t> counts;  ///< By method and path with query.
  Rest rest;

 private:
  std::optional<HttpResponse> count(const HttpRequest& request) {
    bool isWatch = request.method == "GET" && request.target.find("watch=") != std::string::npos;
    Interceptor current;
    {
      std::lock_guard lock(mutex);
      ++counts[{isWatch ? "WATCH" : request.method, request.target}];
      current = interceptor;
    }
    return current ? current(request) : std::nullopt;
  }
};

namespace {

class LocalTransport final : public kube::Transport {
 public:
  explicit LocalTransport(std::function<Answer(const HttpRequest&)> handle) : handle_(std::move(handle)) {}

  std::future<Result<HttpResponse>> send(HttpRequest request) override {
    std::promise<Result<HttpResponse>> promise;
    promise.set_value(handle_(request).response);
    return promise.get_future();
  }

  std::unique_ptr<kube::HttpStream> stream(HttpRequest request, std::chrono::seconds,
                                           std::function<void()> wake) override {
    return std::make_unique<LocalStream>(handle_(request), std::move(wake));
  }

 private:
  std::function<Answer(const HttpRequest&)> handle_;
};

std::string contentTypeOf(std::string_view body, bool isWatch) {
  if (kube::isProtobuf(body)) {
    return std::string(kProtobuf);
  }
  return isWatch || body.starts_with('{') ? "application/json" : "text/plain";
}

http::Response toHttp(Answer answer) {
  http::Response response;
  response.status = answer.response.status;
  response.body = std::move(answer.response.body);
  response.contentType = contentTypeOf(response.body, answer.watch != nullptr);
  if (answer.response.retryAfter) {
    response.headers.emplace_back("Retry-After", std::to_string(answer.response.retryAfter->count()));
  }
  for (const std::string& warning : answer.response.warnings) {
    response.headers.emplace_back("Warning", "299 - " + json(warning).dump());
  }
  if (answer.watch) {
    response.stream = [watch = std::move(answer.watch)](http::BodyWriter& writer) { streamWatch(*watch, writer); };
  }
  return response;
}

HttpRequest toKube(const http::Request& request) {
  HttpRequest converted{.method = request.method, .target = request.path, .body = request.body, .deadline = {}};
  if (!request.query.empty()) {
    converted.target += "?" + request.query;
  }
  if (auto type = request.headers.find("content-type"); type != request.headers.end()) {
    converted.contentType = type->second;
  }
  if (auto accept = request.headers.find("accept"); accept != request.headers.end()) {
    converted.accept = accept->second;
  }
  return converted;
}

}  // namespace

ApiServer::ApiServer(base::Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}

ApiServer::~ApiServer() = default;

std::unique_ptr<kube::Transport> ApiServer::transport() {
  return std::make_unique<LocalTransport>([this](const HttpRequest& request) { return impl_->handle(request); });
}

Result<std::unique_ptr<http::Server>> ApiServer::serve(http::ServerOptions options, base::Logger log) {
  auto handler = [this](const http::Request& request) { return toHttp(impl_->handle(toKube(request))); };
  return http::Server::start(std::move(options), handler, std::move(log));
}

Result<json> ApiServer::get(std::string_view path) {
  Status status;
  json object = impl_->call("GET", path, nullptr, status);
  return status ? Result<json>(std::move(object)) : unexpected(status);
}

Result<json> ApiServer::create(std::string_view collectionPath, json object) {
  Status status;
  json created = impl_->call("POST", collectionPath, object, status);
  return status ? Result<json>(std::move(created)) : unexpected(status);
}

Result<json> ApiServer::replace(std::string_view path, json object) {
  Status status;
  json replaced = impl_->call("PUT", path, object, status);
  return status ? Result<json>(std::move(replaced)) : unexpected(status);
}

Status ApiServer::remove(std::string_view path) {
  Status status;
  impl_->call("DELETE", path, nullptr, status);
  return status;
}

std::vector<json> ApiServer::list(std::string_view collectionPath) {
  Status status;
  json list = impl_->call("GET", collectionPath, nullptr, status);
  std::vector<json> objects;
  std::string kind = textAt(list, "kind");
  for (json item : at(list, "items")) {
    item["kind"] = kind.substr(0, kind.size() - std::string_view("List").size());
    item["apiVersion"] = textAt(list, "apiVersion");
    objects.push_back(std::move(item));
  }
  return objects;
}

void ApiServer::intercept(Interceptor interceptor) {
  std::lock_guard lock(impl_->mutex);
  impl_->interceptor = std::move(interceptor);
}

void ApiServer::compact() {
  impl_->rest.compact();
}

void ApiServer::endWatches() {
  impl_->rest.endWatches();
}

std::size_t ApiServer::requests(std::string_view method, std::string_view part) const {
  std::lock_guard lock(impl_->mutex);
  std::size_t total = 0;
  for (const auto& [request, count] : impl_->counts) {
    bool counted = (method.empty() || request.first == method) && request.second.find(part) != std::string::npos;
    total += counted ? count : 0;
  }
  return total;
}

}  // namespace simgpu::standin
