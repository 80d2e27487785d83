#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "simgpu/kube/transport.h"

namespace simgpu::kube {

/// A stream that hands out what the test put in.
class FakeStream final : public HttpStream {
 public:
  explicit FakeStream(std::shared_ptr<std::deque<Batch>> batches) : batches_(std::move(batches)) {}

  Batch take() override {
    if (batches_->empty()) {
      return {};
    }
    auto batch = std::move(batches_->front());
    batches_->pop_front();
    return batch;
  }

 private:
  std::shared_ptr<std::deque<Batch>> batches_;
};

/// Records requests and answers each with the next canned answer.
class FakeTransport final : public Transport {
 public:
  void answers(int status, std::string body) {
    answers_.push_back(HttpResponse{.status = status, .body = body, .retryAfter = {}, .warnings = {}});
  }
  void answers(Result<HttpResponse> response) { answers_.push_back(std::move(response)); }

  std::future<Result<HttpResponse>> send(HttpRequest request) override {
    requests.push_back(std::move(request));
    std::promise<Result<HttpResponse>> promise;
    if (answers_.empty()) {
      promise.set_value(unexpected(Status::internal("the test has no answer for {}", requests.back().target)));
    } else {
      promise.set_value(std::move(answers_.front()));
      answers_.pop_front();
    }
    return promise.get_future();
  }

  std::unique_ptr<HttpStream> stream(HttpRequest request, std::chrono::seconds quiet,
                                     std::function<void()> /*wake*/) override {
    requests.push_back(std::move(request));
    silence = quiet;
    return std::make_unique<FakeStream>(batches);
  }

  std::vector<HttpRequest> requests;
  std::chrono::seconds silence{};
  std::shared_ptr<std::deque<HttpStream::Batch>> batches = std::make_shared<std::deque<HttpStream::Batch>>();

 private:
  std::deque<Result<HttpResponse>> answers_;
};

}  // namespace simgpu::kube
