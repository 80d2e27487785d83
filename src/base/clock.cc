#include "simgpu/base/clock.h"

namespace simgpu::base {

bool SystemClock::waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                            TimePoint deadline, const std::stop_token& stop, const std::function<bool()>& ready) {
  if (deadline == TimePoint::max()) {  // wait_until would overflow while converting it
    return changed.wait(lock, stop, ready);
  }
  return changed.wait_until(lock, stop, deadline, ready);
}

}  // namespace simgpu::base
