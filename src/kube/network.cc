#include "kube/network.h"

#include <algorithm>
#include <csignal>
#include <limits>
#include <utility>

namespace simgpu::kube {

Network::Network(CurlMulti multi, std::shared_ptr<Doorbell> doorbell, Endpoint endpoint,
                 std::unique_ptr<Credentials> credentials, std::size_t maxInFlight, base::Clock& clock)
    : multi_(std::move(multi)),
      doorbell_(std::move(doorbell)),
      endpoint_(std::move(endpoint)),
      credentials_(std::move(credentials)),
      maxInFlight_(std::max<std::size_t>(maxInFlight, 1)),
      clock_(clock),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Network::~Network() {
  thread_.request_stop();
  doorbell_->ring();
  thread_.join();
  doorbell_->disconnect();
  cancelAll();
}

void Network::submit(std::unique_ptr<Transfer> transfer) {
  {
    std::lock_guard lock(mutex_);
    submitted_.push_back(std::move(transfer));
  }
  doorbell_->ring();
}

void Network::run(const std::stop_token& stop) {
  // Signals are the main thread's; and OpenSSL may raise SIGPIPE here when a peer is gone.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stop.stop_requested()) {
    accept();
    startWaiting();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    collect();
    expire();
    // A transfer that ended or is to be repeated leaves work for `startWaiting`.
    bool more = !waiting_.empty() && requests_ < maxInFlight_ && credentials_->current().has_value();
    if (!more) {
      curl_multi_poll(multi_.get(), nullptr, 0, patience(), nullptr);
    }
  }
}

void Network::accept() {
  std::lock_guard lock(mutex_);
  for (auto& transfer : submitted_) {
    waiting_.push_back(std::move(transfer));
  }
  submitted_.clear();
}

void Network::startWaiting() {
  if (waiting_.empty()) {
    return;
  }
  auto identity = credentials_->current();
  if (!identity) {
    return;
  }
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    auto transfer = std::move(waiting_.front());
    waiting_.pop_front();
    if (!identity->has_value()) {
      auto status = identity->error().with("no credential for the API server {}", endpoint_.server);
      transfer->fail({Code::unavailable, status.message()});
    } else if (transfer->streaming() || requests_ < maxInFlight_) {
      start(std::move(transfer), **identity);
    } else {
      waiting_.push_back(std::move(transfer));
    }
  }
}

void Network::start(std::unique_ptr<Transfer> transfer, const Credentials::Current& identity) {
  transfer->clock = &clock_;
  transfer->generation = identity.generation;
  bool fresh = std::exchange(distrustConnections_, false);
  if (auto status = setUp(*transfer, endpoint_, identity.identity, fresh); !status.ok()) {
    transfer->fail(std::move(status));
    return;
  }
  CURL* easy = transfer->easy.get();
  if (auto code = curl_multi_add_handle(multi_.get(), easy); code != CURLM_OK) {
    transfer->fail(Status::internal("curl refuses a transfer: {}", curl_multi_strerror(code)));
    return;
  }
  requests_ += transfer->streaming() ? 0 : 1;
  running_.emplace(easy, std::move(transfer));
}

void Network::collect() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) {
      auto code = message->data.result;
      finish(release(message->easy_handle), code);
    }
  }
}

void Network::finish(std::unique_ptr<Transfer> transfer, CURLcode code) {
  if (code == CURLE_OK && !transfer->hasHeaders()) {
    code = CURLE_PARTIAL_FILE;  // curl takes an answer that ends among its headers for one without a body
  }
  bool again = false;
  if (!std::exchange(transfer->repeated, true)) {
    again = code == CURLE_OK ? transfer->status() == 401 && credentials_->refused(transfer->generation)
                             : concernsCertificates(code) && credentials_->distrusted(transfer->generation);
  }
  if (again) {
    waiting_.push_front(std::move(transfer));
  } else if (code == CURLE_OK) {
    transfer->succeed();
  } else if (!transfer->refusal().ok()) {
    transfer->fail(transfer->refusal());
  } else {
    transfer->fail(statusOfCurl(code, *transfer, endpoint_));
  }
}

void Network::expire() {
  const auto now = clock_.now();
  std::vector<CURL*> over;
  for (const auto& [easy, transfer] : running_) {
    if (transfer->abandoned() || transfer->limit() <= now) {
      over.push_back(easy);
    }
  }
  for (CURL* easy : over) {
    if (auto& transfer = *running_.at(easy); !transfer.abandoned() && transfer.status() == 0) {
      // The connection may be dead: neither keep it nor trust the others blindly.
      curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
      distrustConnections_ = true;
    }
    auto transfer = release(easy);
    transfer->fail(transfer->late(endpoint_.server));
  }
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    auto transfer = std::move(waiting_.front());
    waiting_.pop_front();
    if (transfer->abandoned() || transfer->limit() <= now) {
      transfer->fail(transfer->late(endpoint_.server));
    } else {
      waiting_.push_back(std::move(transfer));
    }
  }
}

int Network::patience() const {
  auto first = base::Clock::TimePoint::max();
  for (const auto& [easy, transfer] : running_) {
    first = std::min(first, transfer->limit());
  }
  for (const auto& transfer : waiting_) {
    first = std::min(first, transfer->limit());
  }
  constexpr std::int64_t kForever = std::numeric_limits<int>::max();
  if (first == base::Clock::TimePoint::max()) {
    return static_cast<int>(kForever);
  }
  auto left = std::chrono::ceil<std::chrono::milliseconds>(first - clock_.now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kForever));
}

std::unique_ptr<Transfer> Network::release(CURL* easy) {
  curl_multi_remove_handle(multi_.get(), easy);
  auto node = running_.extract(easy);
  auto transfer = std::move(node.mapped());
  requests_ -= transfer->streaming() ? 0 : 1;
  return transfer;
}

void Network::cancelAll() {
  accept();
  const auto status = Status::cancelled("the client of the API server {} is being stopped", endpoint_.server);
  while (!running_.empty()) {
    release(running_.begin()->first)->fail(status);
  }
  for (auto& transfer : waiting_) {
    transfer->fail(status);
  }
  waiting_.clear();
}

}  // namespace simgpu::kube
