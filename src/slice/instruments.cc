#include "simgpu/slice/instruments.h"

namespace simgpu::slice {

Instruments::Instruments(metrics::Registry& registry)
    : slices(registry.gauges("dra_sim_gpu_published_slices", "ResourceSlices of the pool on the API server.",
                             {"driver", "pool"})),
      devices(registry.gauges("dra_sim_gpu_published_devices", "Devices in the ResourceSlices of the pool.",
                              {"driver", "pool"})),
      generation(registry.gauges("dra_sim_gpu_pool_generation", "Generation of the pool.", {"driver", "pool"})),
      restores(registry.counter("dra_sim_gpu_slice_restores_total",
                                "How often ResourceSlices that somebody else changed or deleted were put back.")),
      watchesEnded(registry.counters("dra_sim_gpu_watch_restarts_total",
                                     "Watches of ResourceSlices that were over and had to be started again, by reason.",
                                     {"reason"})) {
  for (const char* reason : {"ended", "expired", "failed"}) {
    watchesEnded.with({reason});
  }
}

}  // namespace simgpu::slice
