#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "simgpu/base/clock.h"
#include "simgpu/base/result.h"
#include "simgpu/kube/transport.h"

namespace simgpu::kube {

struct CurlFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlEasy = std::unique_ptr<CURL, CurlFree>;
using CurlList = std::unique_ptr<curl_slist, CurlFree>;

/// One exchange with the server: what is asked, the curl handle of the attempt under way, and what has arrived. Belongs
/// to the network thread once submitted.
class Transfer {
 public:
  explicit Transfer(HttpRequest request) : request_(std::move(request)) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  virtual ~Transfer() = default;

  const HttpRequest& request() const { return request_; }

  /// Whether it wants a connection to itself, and does not count as a request in flight.
  virtual bool streaming() const = 0;

  /// Whether nobody waits for it any more.
  virtual bool abandoned() const { return false; }

  /// When to give up, as things stand.
  virtual base::Clock::TimePoint limit() const { return request_.deadline; }

  /// What giving up means.
  virtual Status late(std::string_view server) const;

  /// Forgets what arrived, before the next attempt.
  virtual void restart();

  /// The headers of the final answer are complete.
  virtual void opened(base::Clock::TimePoint /*now*/) {}

  /// One line of a header, and a piece of the body. False to break the exchange off; then `refusal()` says why.
  void header(std::string_view line, base::Clock::TimePoint now);
  virtual bool body(std::string_view bytes, base::Clock::TimePoint now) = 0;
  const Status& refusal() const { return refusal_; }

  /// The end: exactly one of these is called, once. Calls `whenOver`, then tells who waits.
  void succeed();
  void fail(Status status);

  /// With the status of the answer, or 0 if there is none.
  void whenOver(std::function<void(int status)> over) { over_ = std::move(over); }

  int status() const { return answer_.status; }

  /// Whether the headers of the final answer have arrived completely.
  bool hasHeaders() const { return hasHeaders_; }

  // Of the attempt under way; set up by the network thread.
  CurlList headers;
  CurlList connectTo;
  CurlEasy easy;  // refers to the lists
  std::array<char, CURL_ERROR_SIZE> errorText{};
  std::uint64_t generation = 0;  ///< Of the identity shown.
  bool repeated = false;
  const base::Clock* clock = nullptr;

 protected:
  virtual void deliver() = 0;
  virtual void deliver(Status failure) = 0;

  /// Appends to the answer's body unless it gets longer than `limit`.
  bool append(std::string_view bytes, std::size_t limit);

  HttpRequest request_;
  HttpResponse answer_;
  Status refusal_;

 private:
  bool hasHeaders_ = false;
  std::function<void(int status)> over_ = [](int /*status*/) {};
};

/// A request whose answer is read completely.
class RequestTransfer final : public Transfer {
 public:
  using Transfer::Transfer;

  std::future<Result<HttpResponse>> future() { return promise_.get_future(); }

  bool streaming() const override { return false; }
  bool body(std::string_view bytes, base::Clock::TimePoint now) override;

 private:
  void deliver() override { promise_.set_value(std::move(answer_)); }
  void deliver(Status failure) override { promise_.set_value(unexpected(std::move(failure))); }

  std::promise<Result<HttpResponse>> promise_;
};

}  // namespace simgpu::kube
