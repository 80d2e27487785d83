#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/kube/client.h"
#include "simgpu/kube/event_sink.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::kube {

/// Writes occurrences as core/v1 Events, in a thread of its own, with the manners of client-go's recorder.
///
/// What happens again becomes a higher count of the same Event. One object gets 25 writes at once, then one each five
/// minutes; what is more is only counted. While the API server does not answer, an Event is tried again every ten
/// seconds, twelve times; at most 256 wait, further ones are dropped. Without the right to create Events that is logged
/// once. Nothing is written after destruction, which waits for no answer.
class EventRecorder final : public EventSink {
 public:
  struct Source {
    std::string component;  ///< Who reports, for example the driver name.
    std::string host;       ///< The node.
  };

  static constexpr std::size_t kMaxWaiting = 256;
  static constexpr int kMaxTries = 12;
  static constexpr int kBurst = 25;

  /// Starts the thread. All parts must outlive this object.
  EventRecorder(Client& api, base::Clock& clock, Source source, metrics::Registry& registry, base::Logger log);
  ~EventRecorder() override;

  void record(Occurrence occurrence) override;

 private:
  struct Waiting {
    std::string key;
    Occurrence occurrence;
    std::int64_t count = 1;  ///< How often it happened since it was last taken.
    base::Clock::WallTime first;
    base::Clock::WallTime last;
    int tries = 0;
  };
  /// An Event that was written, or would have been.
  struct Known {
    std::string name;  ///< Empty: not on the API server.
    std::int64_t count = 0;
    base::Clock::TimePoint used;
  };
  /// What an object may still get.
  struct Budget {
    double writes = kBurst;
    base::Clock::TimePoint used;
  };

  void run(const std::stop_token& stop);
  void handle(Waiting waiting, const std::stop_token& stop);
  Status write(const Waiting& waiting, Known& known, const std::stop_token& stop);
  std::string uniqueName(Event event);
  bool withinBudget(const ObjectReference& about);
  void giveUpOrTryAgain(Waiting waiting, const Status& failure);
  void count(std::string_view result);

  Client& api_;
  base::Clock& clock_;
  const Source source_;
  metrics::Family<metrics::Counter>& events_;
  base::Logger log_;

  // Used by the thread alone.
  std::map<std::string, Known> known_;
  std::map<std::string, Budget> budgets_;  ///< By object.
  base::Clock::TimePoint notBefore_{};     ///< No request before then.
  base::Clock::WallTime named_{};          ///< The time in the last name; two Events never share one.
  bool reportedDenied_ = false;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;
  std::jthread thread_;  ///< Last: it uses everything above.
};

}  // namespace simgpu::kube
