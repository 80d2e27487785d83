#include "standin/watch.h"

#include <utility>

namespace simgpu::standin {

namespace {

using nlohmann::json;
constexpr auto kBookmarkInterval = std::chrono::minutes(1);
constexpr auto kLookAtClock = std::chrono::milliseconds(20);

}  // namespace

WatchQueue::WatchQueue(WatchOptions options) : options_(std::move(options)) {}

void WatchQueue::add(const Change& change) {
  if (change.key.resource != options_.resource || (!options_.space.empty() && change.key.space != options_.space) ||
      (!options_.name.empty() && change.key.name != options_.name)) {
    return;
  }
  bool before = change.previous && options_.selector.matches(*change.previous);
  bool after = change.type != Change::Type::deleted && options_.selector.matches(*change.object);
  if (after) {
    addObject(before ? Change::Type::modified : Change::Type::added, *change.object);
  } else if (before) {
    // An object that no longer matches is reported as it was, with the version of the change.
    json last = *change.previous;
    last["metadata"]["resourceVersion"] = std::to_string(change.version);
    addObject(Change::Type::deleted, last);
  }
}

void WatchQueue::addObject(Change::Type type, const json& object) {
  switch (type) {
    case Change::Type::added:
      return addLine("ADDED", object);
    case Change::Type::modified:
      return addLine("MODIFIED", object);
    case Change::Type::deleted:
      return addLine("DELETED", object);
  }
}

void WatchQueue::addBookmark(std::uint64_t version, bool endOfInitialEvents) {
  json metadata = {{"resourceVersion", std::to_string(version)}, {"creationTimestamp", nullptr}};
  if (endOfInitialEvents) {
    metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  }
  addLine("BOOKMARK", {{"kind", options_.resource->kind},
                       {"apiVersion", options_.resource->apiVersion()},
                       {"metadata", std::move(metadata)}});
}

void WatchQueue::addError(const ApiError& error) {
  addLine("ERROR", error.toJson());
}

void WatchQueue::addLine(std::string_view type, const json& object) {
  json event = {{"type", type}, {"object", object}};
  std::lock_guard lock(mutex_);
  if (!ended_) {
    lines_.push_back(event.dump(-1, ' ', false, json::error_handler_t::replace));
    told_ = false;
  }
}

void WatchQueue::end() {
  std::lock_guard lock(mutex_);
  ended_ = true;
  told_ = false;
}

WatchQueue::Batch WatchQueue::take() {
  std::lock_guard lock(mutex_);
  return {std::exchange(lines_, {}), ended_};
}

bool WatchQueue::ended() const {
  std::lock_guard lock(mutex_);
  return ended_;
}

void WatchQueue::onNews(std::function<void()> wake) {
  std::lock_guard lock(wakeMutex_);
  wake_ = std::move(wake);
}

void WatchQueue::tell() {
  std::lock_guard wakeLock(wakeMutex_);
  if (!wake_) {
    return;
  }
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(told_, true)) {
      return;
    }
  }
  wake_();
}

bool WatchQueue::finished() const {
  std::lock_guard lock(mutex_);
  return ended_ && told_;
}

Watches::Watches(base::Clock& clock) : clock_(clock), thread_([this](const std::stop_token& stop) { run(stop); }) {}

Watches::~Watches() {
  endAll();
  thread_.request_stop();
  thread_.join();
}

void Watches::add(std::shared_ptr<WatchQueue> watch) {
  std::lock_guard lock(mutex_);
  running_.push_back({watch, clock_.now() + kBookmarkInterval});
  dirty_ = true;
  changed_.notify_all();
}

void Watches::publish(const Change& change) {
  std::lock_guard lock(mutex_);
  version_ = change.version;
  for (Running& each : running_) {
    if (auto watch = each.watch.lock()) {
      watch->add(change);
    }
  }
  dirty_ = true;
  changed_.notify_all();
}

void Watches::endAll() {
  std::lock_guard lock(mutex_);
  for (Running& each : running_) {
    if (auto watch = each.watch.lock()) {
      watch->end();
    }
  }
  dirty_ = true;
  changed_.notify_all();
}

void Watches::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    auto watches = tick();
    dirty_ = false;
    lock.unlock();
    for (const auto& watch : watches) {
      watch->tell();
    }
    watches.clear();
    lock.lock();
    if (running_.empty()) {
      changed_.wait(lock, stop, [this] { return dirty_; });
    } else {
      changed_.wait_for(lock, stop, kLookAtClock, [this] { return dirty_; });
    }
  }
}

std::vector<std::shared_ptr<WatchQueue>> Watches::tick() {
  std::vector<std::shared_ptr<WatchQueue>> watches;
  auto now = clock_.now();
  for (auto each = running_.begin(); each != running_.end();) {
    auto watch = each->watch.lock();
    if (!watch) {
      each = running_.erase(each);
      continue;
    }
    bool over = now >= watch->options().end;
    if (watch->options().bookmarks && (over || now >= each->nextBookmark) && !watch->ended()) {
      watch->addBookmark(version_);
      each->nextBookmark = now + kBookmarkInterval;
    }
    if (over) {
      watch->end();
    }
    watches.push_back(watch);
    each = watch->finished() ? running_.erase(each) : std::next(each);
  }
  return watches;
}

}  // namespace simgpu::standin
