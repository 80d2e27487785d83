#pragma once

#include "simgpu/base/files.h"
#include "simgpu/metrics/registry.h"

namespace simgpu::metrics {

/// Adds what Prometheus' client libraries tell of the process itself, under their names: `process_cpu_seconds_total`,
/// `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_open_fds`, `process_max_fds`,
/// `process_start_time_seconds`. Read from `/proc` whenever the text is asked for; what cannot be read keeps its value.
void addProcessMetrics(Registry& registry, base::Files& files);

}  // namespace simgpu::metrics
