#include "integration/spoiled_api.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace simgpu::integration {
namespace {

kube::HttpRequest toKube(const kube::ScriptedServer::Request& request) {
  kube::HttpRequest converted{.method = request.method, .target = request.target, .body = request.body, .deadline = {}};
  if (auto type = request.headers.find("content-type"); type != request.headers.end()) {
    converted.contentType = type->second;
  }
  return converted;
}

}  // namespace

SpoiledApi::SpoiledApi(standin::ApiServer& api, Spoil spoil, std::optional<fakes::PemPair> tls)
    : transport_(api.transport()),
      spoil_(std::move(spoil)),
      server_([this](Connection& connection) { serve(connection); }, std::move(tls)) {}

void SpoiledApi::serve(Connection& connection) {
  while (auto request = connection.read()) {
    if (spoil_(*request, connection)) {
      return;
    }
    if (request->target.find("watch=") != std::string::npos) {
      return handOnWatch(*request, connection);
    }
    handOn(*request, connection);
  }
}

void SpoiledApi::handOn(const Request& request, Connection& connection) {
  auto answer = transport_->send(toKube(request)).get();
  connection.answer(answer ? answer->status : 503, answer ? answer->body : "");
}

void SpoiledApi::handOnWatch(const Request& request, Connection& connection) {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool news = true;
  auto stream = transport_->stream(toKube(request), std::chrono::hours(1), [&] {
    std::lock_guard lock(mutex);
    news = true;
    changed.notify_all();
  });
  connection.send(kChunked);
  std::jthread sender([&](const std::stop_token& stop) {
    for (bool going = true; going;) {
      std::unique_lock lock(mutex);
      going = changed.wait(lock, stop, [&] { return std::exchange(news, false); });
      lock.unlock();
      auto batch = stream->take();
      for (const std::string& line : batch.lines) {
        connection.send(chunk(line + "\n"));
      }
      if (batch.ended) {
        connection.send(chunk(""));
        going = false;
      }
    }
  });
  connection.hold();  // the client is the one that closes it
}

std::string chunk(std::string_view piece) {
  return fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
}

}  // namespace simgpu::integration
