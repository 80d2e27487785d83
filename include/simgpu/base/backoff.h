#pragma once

#include "simgpu/base/clock.h"
#include "simgpu/base/random.h"

namespace simgpu::base {

/// Growing pauses between attempts: `initial`, then twice the last one up to `maximum`, each shortened at random by up
/// to a quarter so that a thousand nodes do not come back at the same moment.
class Backoff {
 public:
  Backoff(Clock::Duration initial, Clock::Duration maximum, Random& random)
      : initial_(initial), maximum_(maximum), random_(&random), pause_(initial) {}

  /// The pause before the next attempt.
  Clock::Duration next();

  /// An attempt succeeded: start again with `initial`.
  void reset() { pause_ = initial_; }

 private:
  Clock::Duration initial_;
  Clock::Duration maximum_;
  Random* random_;
  Clock::Duration pause_;
};

}  // namespace simgpu::base
