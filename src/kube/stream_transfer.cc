#include "kube/stream_transfer.h"

#include <utility>

namespace simgpu::kube {
namespace {

constexpr std::size_t kMaxLine = 16u << 20;
constexpr std::size_t kMaxError = 1u << 20;

/// What may wait for an owner that does not take.
constexpr std::size_t kMaxWaiting = 64u << 20;

}  // namespace

HttpStream::Batch StreamMailbox::take() {
  std::lock_guard lock(mutex_);
  bytes_ = 0;
  return std::exchange(batch_, {});
}

void StreamMailbox::close() {
  closed_ = true;
  std::lock_guard lock(wakeMutex_);
  wake_ = nullptr;
}

bool StreamMailbox::put(std::vector<std::string> lines) {
  {
    std::lock_guard lock(mutex_);
    for (auto& line : lines) {
      bytes_ += line.size();
      batch_.lines.push_back(std::move(line));
    }
    if (bytes_ > kMaxWaiting) {
      return false;
    }
  }
  wake();
  return true;
}

void StreamMailbox::end(Status status, std::optional<HttpResponse> error) {
  {
    std::lock_guard lock(mutex_);
    batch_.ended = std::move(status);
    batch_.error = std::move(error);
  }
  wake();
}

void StreamMailbox::wake() {
  std::lock_guard lock(wakeMutex_);
  if (wake_) {
    wake_();
  }
}

base::Clock::TimePoint StreamTransfer::limit() const {
  return heardAt_ ? *heardAt_ + silence_ : request_.deadline;
}

Status StreamTransfer::late(std::string_view server) const {
  return heardAt_ ? Status::deadlineExceeded("the API server {} sent nothing for {} s", server, silence_.count())
                  : Transfer::late(server);
}

void StreamTransfer::restart() {
  Transfer::restart();
  heardAt_.reset();
  rest_.clear();
}

void StreamTransfer::opened(base::Clock::TimePoint now) {
  heardAt_ = now;
}

bool StreamTransfer::body(std::string_view bytes, base::Clock::TimePoint now) {
  heardAt_ = now;
  if (answer_.status != 200) {
    return append(bytes, kMaxError);
  }
  std::vector<std::string> lines;
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    rest_.append(bytes.substr(0, end));
    lines.push_back(std::exchange(rest_, {}));
    bytes.remove_prefix(end + 1);
  }
  rest_.append(bytes);
  bool tooLong = rest_.size() > kMaxLine;
  for (const auto& line : lines) {
    tooLong = tooLong || line.size() > kMaxLine;
  }
  if (tooLong) {
    refusal_ = Status::invalidArgument("the API server sent a line longer than {} bytes", kMaxLine);
    return false;
  }
  if (!lines.empty() && !mailbox_->put(std::move(lines))) {
    refusal_ = Status::resourceExhausted("more than {} bytes of the stream wait to be read", kMaxWaiting);
    return false;
  }
  return true;
}

void StreamTransfer::deliver() {
  if (answer_.status != 200) {
    mailbox_->end({}, std::move(answer_));
    return;
  }
  if (!rest_.empty()) {
    mailbox_->put({std::exchange(rest_, {})});
  }
  mailbox_->end({}, {});
}

void StreamTransfer::deliver(Status failure) {
  mailbox_->end(std::move(failure), {});
}

}  // namespace simgpu::kube
