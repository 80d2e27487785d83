#include "simgpu/kube/watch_pace.h"

#include <algorithm>
#include <chrono>

namespace simgpu::kube {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 30s;
/// A watch that ended sooner than this is something to be careful with.
constexpr auto kShortWatch = 10s;
constexpr base::Clock::Duration kLongestGap = 5s;

}  // namespace

WatchPace::WatchPace(base::Random& random) : backoff_(kFirstPause, kLongestPause, random) {}

base::Clock::Duration WatchPace::pauseAfter(const Status& ended, base::Clock::TimePoint now) {
  if (now - startedAt_ >= kShortWatch) {
    backoff_.reset();
    return {};
  }
  auto pause = backoff_.next();
  return ended.ok() ? std::min(pause, kLongestGap) : pause;
}

}  // namespace simgpu::kube
