#include "simgpu/base/backoff.h"

#include <algorithm>

namespace simgpu::base {

Clock::Duration Backoff::next() {
  Clock::Duration pause = pause_;
  pause_ = std::min(pause_ * 2, maximum_);
  double shortened = static_cast<double>(pause.count()) * (1.0 - 0.25 * random_->unit());
  return Clock::Duration(static_cast<Clock::Duration::rep>(shortened));
}

}  // namespace simgpu::base
