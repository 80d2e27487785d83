#include "simgpu/kube/event_recorder.h"

#include <algorithm>
#include <utility>

#include "simgpu/kube/json.h"

namespace simgpu::kube {
namespace {

using namespace std::chrono_literals;

constexpr auto kRequestTimeout = 10s;
constexpr auto kPause = 10s;
constexpr auto kRefill = 300s;  ///< For one more write.
/// Events live for an hour on most API servers; what was not used that long need not be remembered.
constexpr auto kMemory = 1h;
constexpr std::size_t kMaxRemembered = 1024;

constexpr std::string_view kCreated = "created";
constexpr std::string_view kRepeated = "repeated";
constexpr std::string_view kSuppressed = "suppressed";
constexpr std::string_view kFailed = "failed";

std::string keyOf(const ObjectReference& about) {
  return fmt::format("{}\n{}\n{}\n{}", about.kind, about.space, about.name, about.uid);
}

std::string keyOf(const Occurrence& occurrence) {
  return fmt::format("{}\n{}\n{}\n{}", keyOf(occurrence.about), occurrence.type, occurrence.reason, occurrence.message);
}

bool isTransient(const Status& status) {
  return status.code() == Code::unavailable || status.code() == Code::deadlineExceeded;
}

/// Forgets what was not used for long, and if that is not enough, what was not used longest.
template <typename Entry>
void forget(std::map<std::string, Entry>& entries, base::Clock::TimePoint now) {
  if (entries.size() < kMaxRemembered) {
    return;
  }
  std::erase_if(entries, [&](const auto& entry) { return now - entry.second.used > kMemory; });
  if (entries.size() >= kMaxRemembered) {
    entries.erase(std::ranges::min_element(entries, {}, [](const auto& entry) { return entry.second.used; }));
  }
}

}  // namespace

EventRecorder::EventRecorder(Client& api, base::Clock& clock, Source source, metrics::Registry& registry,
                             base::Logger log)
    : api_(api),
      clock_(clock),
      source_(std::move(source)),
      events_(registry.counters("dra_sim_gpu_events_total", "Events that were to be written, by what became of them.",
                                {"result"})),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {
  for (std::string_view result : {kCreated, kRepeated, kSuppressed, kFailed}) {
    events_.with({result});
  }
}

EventRecorder::~EventRecorder() {
  thread_.request_stop();
  thread_.join();
}

void EventRecorder::record(Occurrence occurrence) {
  auto now = clock_.wallTime();
  std::string key = keyOf(occurrence);
  std::lock_guard guard(mutex_);
  auto same = std::ranges::find(waiting_, key, &Waiting::key);
  if (same != waiting_.end()) {
    ++same->count;
    same->last = now;
  } else if (waiting_.size() >= kMaxWaiting) {
    count(kSuppressed);
  } else {
    waiting_.push_back({.key = std::move(key),
                        .occurrence = std::move(occurrence),
                        .count = 1,
                        .first = now,
                        .last = now,
                        .tries = 0});
    changed_.notify_all();
  }
}

void EventRecorder::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    auto ready = [this] { return !waiting_.empty() && clock_.now() >= notBefore_; };
    // Until something is there, there is no time to wait for.
    auto until = waiting_.empty() ? base::Clock::TimePoint::max() : notBefore_;
    std::size_t seen = waiting_.size();
    clock_.waitUntil(lock, changed_, until, stop, [&] { return ready() || waiting_.size() != seen; });
    if (stop.stop_requested() || !ready()) {
      continue;
    }
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    handle(std::move(next), stop);
  }
}

void EventRecorder::handle(Waiting waiting, const std::stop_token& stop) {
  auto now = clock_.now();
  forget(known_, now);
  Known& known = known_[waiting.key];
  known.used = now;
  bool firstTry = waiting.tries++ == 0;
  if (firstTry && !withinBudget(waiting.occurrence.about)) {
    known.count += waiting.count;
    count(kSuppressed);
    return;
  }
  bool repeated = !known.name.empty();
  Status written = write(waiting, known, stop);
  if (written) {
    known.count += waiting.count;
    count(repeated ? kRepeated : kCreated);
  } else if (!stop.stop_requested()) {
    giveUpOrTryAgain(std::move(waiting), written);
  }
}

Status EventRecorder::write(const Waiting& waiting, Known& known, const std::stop_token& stop) {
  const Wait wait(clock_.now() + kRequestTimeout, stop);
  Event event{.about = waiting.occurrence.about,
              .type = waiting.occurrence.type,
              .reason = waiting.occurrence.reason,
              .message = waiting.occurrence.message,
              .component = source_.component,
              .host = source_.host,
              .time = waiting.first,
              .lastTime = waiting.last,
              .count = known.count + waiting.count,
              .name = known.name};
  if (!known.name.empty()) {
    Status repeated = api_.repeatEvent(event, wait);
    if (repeated.code() != Code::notFound) {
      return repeated;
    }
    event.count = waiting.count;  // it has expired: a new one begins
    known = {.name = {}, .count = 0, .used = known.used};
  }
  event.name = uniqueName(event);
  Status created = api_.createEvent(event, wait);
  if (created) {
    known.name = event.name;
  }
  return created;
}

std::string EventRecorder::uniqueName(Event event) {
  named_ = std::max(named_ + 1ns, event.time);
  event.time = named_;
  return eventName(event);
}

bool EventRecorder::withinBudget(const ObjectReference& about) {
  auto now = clock_.now();
  forget(budgets_, now);
  auto [entry, fresh] = budgets_.try_emplace(keyOf(about));
  Budget& budget = entry->second;
  if (!fresh) {
    budget.writes =
        std::min<double>(kBurst, budget.writes + std::chrono::duration<double>(now - budget.used) / kRefill);
  }
  budget.used = now;
  if (budget.writes < 1) {
    return false;
  }
  budget.writes -= 1;
  return true;
}

void EventRecorder::giveUpOrTryAgain(Waiting waiting, const Status& failure) {
  if (isTransient(failure) && waiting.tries < kMaxTries) {
    notBefore_ = clock_.now() + std::max<base::Clock::Duration>(kPause, failure.retryAfter().value_or(0s));
    std::lock_guard guard(mutex_);
    auto same = std::ranges::find(waiting_, waiting.key, &Waiting::key);
    if (same != waiting_.end()) {  // it happened again meanwhile
      waiting.count += same->count;
      waiting.last = same->last;
      waiting_.erase(same);
    }
    waiting_.push_front(std::move(waiting));
    return;
  }
  count(kFailed);
  if (failure.code() == Code::permissionDenied && !std::exchange(reportedDenied_, true)) {
    log_.warning("Events cannot be written; going on without them", {{"reason", failure.message()}});
  } else {
    log_.v(2).info("Cannot write an Event", {{"reason", failure.message()}});
  }
}

void EventRecorder::count(std::string_view result) {
  events_.with({result}).add();
}

}  // namespace simgpu::kube
