#pragma once

#include <map>
#include <string>
#include <vector>

#include "simgpu/kube/types.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::slice {

/// What this room counts; docs/metrics.md explains each.
struct Instruments {
  explicit Instruments(metrics::Registry& registry);

  /// Sets the gauges. `actual` is every slice of the driver on the node, by name.
  void show(const std::vector<kube::ResourceSlice>& desired, const std::map<std::string, kube::ResourceSlice>& actual);

  metrics::Family<metrics::Gauge>& slices;  ///< By driver and pool, as these three are.
  metrics::Family<metrics::Gauge>& devices;
  metrics::Family<metrics::Gauge>& generation;
  metrics::Counter& restores;                       ///< Of slices that somebody else changed.
  metrics::Family<metrics::Counter>& watchesEnded;  ///< By reason: `ended`, `expired` or `failed`.
};

}  // namespace simgpu::slice
