#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "simgpu/base/clock.h"
#include "standin/selector.h"
#include "standin/store.h"

namespace simgpu::standin {

/// What a client asked for with `watch=1`.
struct WatchOptions {
  const Resource* resource = nullptr;
  std::string space;
  std::string name;  ///< Not empty: only this object.
  Selector selector;
  bool bookmarks = false;
  base::Clock::TimePoint end;
};

/// The lines that one watch has to send. Thread-safe.
class WatchQueue {
 public:
  explicit WatchQueue(WatchOptions options);

  /// Adds what a change means to this watch, if anything.
  void add(const Change& change);
  void addObject(Change::Type type, const nlohmann::json& object);
  void addBookmark(std::uint64_t version, bool endOfInitialEvents = false);
  void addError(const ApiError& error);
  void end();

  struct Batch {
    std::vector<std::string> lines;
    bool ended = false;
  };
  Batch take();
  bool ended() const;

  /// Ended, and the client knows.
  bool finished() const;

  const WatchOptions& options() const { return options_; }

  /// Called from the thread of `Watches` after something was added, also if that was before this call. Empty: no
  /// longer, which holds once this returned.
  void onNews(std::function<void()> wake);
  void tell();

 private:
  void addLine(std::string_view type, const nlohmann::json& object);

  const WatchOptions options_;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  bool ended_ = false;
  bool told_ = true;

  std::mutex wakeMutex_;  ///< Held during a wake, so that `onNews({})` waits for it.
  std::function<void()> wake_;
};

/// All running watches: hands changes to them, sends bookmarks, ends them in time. One thread tells the clients, so
/// that no client is called by the thread that makes a change.
///
/// Never waits on the clock but looks at it, so that tests can count the waiters of the code they test.
class Watches {
 public:
  explicit Watches(base::Clock& clock);
  ~Watches();

  /// Call while the store does not change, so that nothing falls between its history and the watch.
  void add(std::shared_ptr<WatchQueue> watch);
  void publish(const Change& change);
  void endAll();

 private:
  struct Running {
    std::weak_ptr<WatchQueue> watch;
    base::Clock::TimePoint nextBookmark;
  };

  void run(const std::stop_token& stop);
  std::vector<std::shared_ptr<WatchQueue>> tick();

  base::Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool dirty_ = false;
  std::uint64_t version_ = 1;
  std::list<Running> running_;
  std::jthread thread_;
};

}  // namespace simgpu::standin
