#include "standin/rest_client.h"

#include <algorithm>

#include "standin/api_error.h"
#include "standin/json_access.h"

namespace simgpu::standin {

using nlohmann::json;

namespace {

constexpr auto kRequestTime = std::chrono::seconds(30);
constexpr auto kSilence = std::chrono::seconds(180);
constexpr auto kPauseAfterFailure = std::chrono::seconds(1);

}  // namespace

Result<json> RestClient::send(std::string method, const std::string& target, const json& body,
                              std::string contentType) {
  kube::HttpRequest request{.method = std::move(method),
                            .target = target,
                            .body = body.is_null() ? "" : body.dump(-1, ' ', false, json::error_handler_t::replace),
                            .contentType = std::move(contentType),
                            .deadline = clock_.now() + kRequestTime};
  auto response = transport_.send(std::move(request)).get();
  if (!response) {
    return unexpected(response.error());
  }
  if (Status status = statusOfResponse(*response); !status) {
    return unexpected(status);
  }
  return json::parse(response->body, nullptr, false);
}

Result<std::vector<json>> RestClient::list(const std::string& target) {
  auto answer = send("GET", target, nullptr);
  if (!answer) {
    return unexpected(answer.error());
  }
  std::vector<json> items;
  for (json* item : eachOf(&*answer, "items")) {
    items.push_back(std::move(*item));
  }
  return items;
}

Status RestClient::remove(const std::string& target, const json& options) {
  auto answer = send("DELETE", target, options);
  return answer || answer.error().code() == Code::notFound ? Status() : answer.error();
}

ChangeWatch::ChangeWatch(RestClient& client, std::vector<std::string> collections) : client_(client) {
  for (std::string& collection : collections) {
    watched_.push_back({std::move(collection), nullptr});
  }
}

void ChangeWatch::nudge() {
  std::lock_guard lock(mutex_);
  news_ = true;
  changed_.notify_all();
}

void ChangeWatch::renewStream(Watched& watched) {
  if (watched.stream) {
    auto batch = watched.stream->take();
    if (!batch.ended) {
      return;
    }
    watched.stream.reset();
    if (batch.error || !batch.ended->ok()) {
      watched.notBefore = client_.clock().now() + kPauseAfterFailure;
    }
  }
  if (client_.clock().now() < watched.notBefore) {
    return;
  }
  std::string separator = watched.collection.find('?') == std::string::npos ? "?" : "&";
  kube::HttpRequest request{.target = watched.collection + separator + "watch=1&allowWatchBookmarks=true",
                            .deadline = client_.clock().now() + kRequestTime};
  watched.stream = client_.transport().stream(std::move(request), kSilence, [this] { nudge(); });
}

bool ChangeWatch::await(const std::stop_token& stop, base::Clock::Duration atMost) {
  std::unique_lock lock(mutex_);
  auto deadline = client_.clock().now() + atMost;
  for (const Watched& each : watched_) {
    deadline = each.stream ? deadline : std::min(deadline, each.notBefore);
  }
  bool news = client_.clock().waitUntil(lock, changed_, deadline, stop, [this] { return news_; });
  news_ = false;
  lock.unlock();
  for (Watched& each : watched_) {
    renewStream(each);
  }
  return news;
}

}  // namespace simgpu::standin
