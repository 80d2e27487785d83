#include "kubelet/health_feed.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "kubelet/grpc_server.h"

namespace simgpu::kubelet {

HealthFeed::HealthFeed(std::function<std::vector<DeviceId>()> devices, base::Clock& clock, base::Logger log)
    : devices_(std::move(devices)),
      clock_(clock),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

HealthFeed::~HealthFeed() {
  close();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return watchers_.empty(); });
}

Status HealthFeed::add(std::shared_ptr<HealthWatcher> watcher) {
  std::lock_guard guard(mutex_);
  if (closed_) {
    return Status::unavailable("the driver is shutting down");
  }
  if (watchers_.size() >= kMaxWatchers) {
    return Status::resourceExhausted("{} clients watch the health of devices already", watchers_.size());
  }
  watchers_.push_back({.watcher = std::move(watcher)});
  fresh_ = true;
  changed_.notify_all();
  return {};
}

void HealthFeed::remove(const HealthWatcher* watcher) {
  std::shared_ptr<HealthWatcher> last;  // Released after the mutex.
  std::lock_guard guard(mutex_);
  auto found = std::ranges::find_if(watchers_, [&](const Entry& entry) { return entry.watcher.get() == watcher; });
  if (found != watchers_.end()) {
    last = std::move(found->watcher);
    watchers_.erase(found);
    changed_.notify_all();
  }
}

void HealthFeed::close() {
  std::vector<Entry> watchers;
  {
    std::lock_guard guard(mutex_);
    closed_ = true;
    watchers = watchers_;
  }
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
  for (const Entry& entry : watchers) {
    entry.watcher->end();
  }
}

void HealthFeed::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    auto deadline = watchers_.empty() ? base::Clock::TimePoint::max() : nextReport_;
    clock_.waitUntil(lock, changed_, deadline, stop, [this] { return fresh_; });
    bool due = !watchers_.empty() && clock_.now() >= nextReport_;
    if (stop.stop_requested() || (!fresh_ && !due)) {
      continue;
    }
    // Watchers that come while others are served do not shift the others' interval.
    if (due || std::ranges::all_of(watchers_, &Entry::fresh)) {
      nextReport_ = clock_.now() + kInterval;
    }
    std::vector<std::shared_ptr<HealthWatcher>> receivers;
    for (Entry& entry : watchers_) {
      if (due || entry.fresh) {
        receivers.push_back(entry.watcher);
        entry.fresh = false;
      }
    }
    fresh_ = false;

    lock.unlock();
    if (auto report = makeReport()) {
      for (const auto& receiver : receivers) {
        receiver->report(report);
      }
    }
    receivers.clear();
    lock.lock();
  }
}

/// Null if the driver cannot tell.
std::shared_ptr<const HealthReport> HealthFeed::makeReport() const {
  try {
    auto report = std::make_shared<HealthReport>();
    report->healthy = devices_();
    report->unixSeconds =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.wallTime().time_since_epoch()).count();
    return report;
  } catch (...) {
    log_.error(Status::internal("{}", statusOfCurrentException().error_message()),
               "Cannot report the health of devices");
    return nullptr;
  }
}

}  // namespace simgpu::kubelet
