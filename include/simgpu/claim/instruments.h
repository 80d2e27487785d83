#pragma once

#include "simgpu/base/clock.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::claim {

/// What this room counts: under the names of the reference driver where it has one, so that dashboards made for it go
/// on working. docs/metrics.md explains each.
class Instruments {
 public:
  explicit Instruments(metrics::Registry& registry);

  /// A claim was answered, that long after it was asked for.
  void prepared(bool success, base::Clock::Duration took) { count(prepareClaims_, prepareDuration_, success, took); }
  void unprepared(bool success, base::Clock::Duration took) {
    count(unprepareClaims_, unprepareDuration_, success, took);
  }

  metrics::Gauge& preparedClaims;  ///< How many there are on this node.
  metrics::Counter& specWrites;    ///< Of files in the CDI directory.
  metrics::Counter& specRemovals;
  metrics::Counter& abandonedClaims;  ///< Released by the sweep.

 private:
  using Counters = metrics::Family<metrics::Counter>;
  using Durations = metrics::Family<metrics::Histogram>;

  static void count(Counters& claims, Durations& duration, bool success, base::Clock::Duration took);

  Counters& prepareClaims_;
  Counters& unprepareClaims_;
  Durations& prepareDuration_;
  Durations& unprepareDuration_;
};

}  // namespace simgpu::claim
