#include "simgpu/slice/pace.h"

namespace simgpu::slice {

base::Clock::TimePoint RestorePace::earliest(base::Clock::TimePoint now) {
  while (!recent_.empty() && now - recent_.front() > kWindow) {
    recent_.pop_front();
  }
  slowed_ = !recent_.empty() && (slowed_ || recent_.size() >= atOnce_);
  return slowed_ ? recent_.back() + kPause : now;
}

}  // namespace simgpu::slice
