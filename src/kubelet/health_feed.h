#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/base/status.h"
#include "simgpu/kubelet/plugin.h"

namespace simgpu::kubelet {

/// The health of all devices at one time.
struct HealthReport {
  std::vector<DeviceId> healthy;
  std::int64_t unixSeconds = 0;
};

/// Somebody who wants health reports. Both functions are called from any thread and must not wait for anything.
class HealthWatcher {
 public:
  virtual ~HealthWatcher() = default;
  virtual void report(std::shared_ptr<const HealthReport> report) = 0;
  virtual void end() = 0;
};

/// Reports the health of all devices to each watcher: at once, then every `kInterval`. Sleeps while nobody watches.
class HealthFeed {
 public:
  static constexpr std::chrono::seconds kInterval{10};
  static constexpr std::chrono::seconds kLease{30};  ///< How long the kubelet is to believe a report.
  static constexpr std::size_t kMaxWatchers = 16;

  HealthFeed(std::function<std::vector<DeviceId>()> devices, base::Clock& clock, base::Logger log);

  /// Waits until the last watcher has been removed.
  ~HealthFeed();

  /// resourceExhausted beyond `kMaxWatchers`, unavailable after `close`.
  Status add(std::shared_ptr<HealthWatcher> watcher);
  void remove(const HealthWatcher* watcher);

  /// Ends all watchers; they are removed when they have ended.
  void close();

 private:
  struct Entry {
    std::shared_ptr<HealthWatcher> watcher;
    bool fresh = true;  ///< Has not got a report yet.
  };

  void run(const std::stop_token& stop);
  std::shared_ptr<const HealthReport> makeReport() const;

  std::function<std::vector<DeviceId>()> devices_;
  base::Clock& clock_;
  base::Logger log_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Entry> watchers_;
  bool fresh_ = false;  ///< Whether one of the watchers is.
  bool closed_ = false;
  base::Clock::TimePoint nextReport_ = base::Clock::TimePoint::max();

  std::jthread thread_;
};

}  // namespace simgpu::kubelet
