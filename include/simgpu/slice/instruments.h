#pragma once

#include "simgpu/metrics/registry.h"

namespace simgpu::slice {

/// What this room counts; docs/metrics.md explains each.
struct Instruments {
  explicit Instruments(metrics::Registry& registry);

  metrics::Family<metrics::Gauge>& slices;  ///< By driver and pool, as these three are.
  metrics::Family<metrics::Gauge>& devices;
  metrics::Family<metrics::Gauge>& generation;
  metrics::Counter& restores;                       ///< Of slices that somebody else changed.
  metrics::Family<metrics::Counter>& watchesEnded;  ///< By reason: `ended`, `expired` or `failed`.
};

}  // namespace simgpu::slice
