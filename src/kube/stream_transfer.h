#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "kube/doorbell.h"
#include "kube/transfer.h"

namespace simgpu::kube {

/// Where the network thread leaves what arrived on a stream, and its owner finds it.
class StreamMailbox {
 public:
  explicit StreamMailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// For the owner.
  HttpStream::Batch take();
  void close();

  /// For the network thread. `put` answers false if the owner has not taken so much that no more can be kept.
  bool put(std::vector<std::string> lines);
  void end(Status status, std::optional<HttpResponse> error);
  bool closed() const { return closed_; }

 private:
  void wake();

  std::mutex mutex_;
  HttpStream::Batch batch_;
  std::size_t bytes_ = 0;
  std::atomic<bool> closed_ = false;
  std::mutex wakeMutex_;  ///< Apart from `mutex_`, so that `wake` may take locks under which somebody calls `take()`.
  std::function<void()> wake_;
};

/// A watch: its answer is handed on line by line.
class StreamTransfer final : public Transfer {
 public:
  StreamTransfer(HttpRequest request, std::chrono::seconds silence, std::shared_ptr<StreamMailbox> mailbox)
      : Transfer(std::move(request)), silence_(silence), mailbox_(std::move(mailbox)) {}

  bool streaming() const override { return true; }
  bool abandoned() const override { return mailbox_->closed(); }
  base::Clock::TimePoint limit() const override;
  Status late(std::string_view server) const override;
  void restart() override;
  void opened(base::Clock::TimePoint now) override;
  bool body(std::string_view bytes, base::Clock::TimePoint now) override;

 private:
  void deliver() override;
  void deliver(Status failure) override;

  const std::chrono::seconds silence_;
  const std::shared_ptr<StreamMailbox> mailbox_;
  std::optional<base::Clock::TimePoint> heardAt_;  ///< Since the headers have arrived.
  std::string rest_;                               ///< The beginning of a line.
};

/// The owner's end.
class CurlStream final : public HttpStream {
 public:
  CurlStream(std::shared_ptr<StreamMailbox> mailbox, std::shared_ptr<Doorbell> doorbell)
      : mailbox_(std::move(mailbox)), doorbell_(std::move(doorbell)) {}

  ~CurlStream() override {
    mailbox_->close();
    doorbell_->ring();
  }

  Batch take() override { return mailbox_->take(); }

 private:
  const std::shared_ptr<StreamMailbox> mailbox_;
  const std::shared_ptr<Doorbell> doorbell_;
};

}  // namespace simgpu::kube
