#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "simgpu/kube/transport.h"

namespace simgpu::fakes {

/// A transport between a client and a working one, for what goes wrong on the way: a server that is out of reach,
/// watches that break, events that the server would not send.
class FaultyTransport final : public kube::Transport {
 public:
  explicit FaultyTransport(kube::Transport& inner) : inner_(inner) {}

  /// While down, requests and new watches fail with unavailable; running watches go on.
  void setDown(bool down) { down_ = down; }

  /// Requests and new watches that failed because of that.
  std::size_t refused() const { return refused_; }

  /// Ends all running watches in this way.
  void breakWatches(const Status& status) {
    std::lock_guard guard(mutex_);
    for (Stream* stream : streams_) {
      stream->interrupt(status, {});
    }
  }

  /// Puts a line into all running watches.
  void inject(const std::string& line) {
    std::lock_guard guard(mutex_);
    for (Stream* stream : streams_) {
      stream->interrupt(std::nullopt, {line});
    }
  }

  std::future<Result<kube::HttpResponse>> send(kube::HttpRequest request) override {
    if (!down_) {
      return inner_.send(std::move(request));
    }
    ++refused_;
    std::promise<Result<kube::HttpResponse>> promise;
    promise.set_value(unexpected(unreachable()));
    return promise.get_future();
  }

  std::unique_ptr<kube::HttpStream> stream(kube::HttpRequest request, std::chrono::seconds silence,
                                           std::function<void()> wake) override {
    if (!down_) {
      return std::make_unique<Stream>(*this, inner_.stream(std::move(request), silence, wake), wake);
    }
    ++refused_;
    auto stream = std::make_unique<Stream>(*this, nullptr, std::move(wake));
    stream->failSoon();
    return stream;
  }

 private:
  static Status unreachable() { return Status::unavailable("https://server.test: connection refused"); }

  class Stream final : public kube::HttpStream {
   public:
    Stream(FaultyTransport& owner, std::unique_ptr<kube::HttpStream> inner, std::function<void()> wake)
        : owner_(owner), inner_(std::move(inner)), wake_(std::move(wake)) {
      std::lock_guard guard(owner_.mutex_);
      owner_.streams_.push_back(this);
    }

    ~Stream() override {
      std::lock_guard guard(owner_.mutex_);
      std::erase(owner_.streams_, this);
    }

    void failSoon() {
      failure_ = std::jthread([this] { interrupt(unreachable(), {}); });
    }

    void interrupt(const std::optional<Status>& status, std::vector<std::string> lines) {
      {
        std::lock_guard guard(mutex_);
        ended_ = status ? status : ended_;
        lines_.insert(lines_.end(), lines.begin(), lines.end());
      }
      wake_();
    }

    Batch take() override {
      Batch batch = inner_ ? inner_->take() : Batch{};
      std::lock_guard guard(mutex_);
      batch.lines.insert(batch.lines.end(), lines_.begin(), lines_.end());
      lines_.clear();
      batch.ended = batch.ended ? batch.ended : ended_;
      return batch;
    }

   private:
    FaultyTransport& owner_;
    std::unique_ptr<kube::HttpStream> inner_;
    std::function<void()> wake_;
    std::mutex mutex_;
    std::optional<Status> ended_;
    std::vector<std::string> lines_;
    std::jthread failure_;
  };

  kube::Transport& inner_;
  std::atomic<bool> down_ = false;
  std::atomic<std::size_t> refused_ = 0;
  std::mutex mutex_;
  std::vector<Stream*> streams_;
};

}  // namespace simgpu::fakes
