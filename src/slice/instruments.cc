#include "simgpu/slice/instruments.h"

#include <algorithm>
#include <string_view>

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

void Instruments::show(const std::vector<kube::ResourceSlice>& desired,
                       const std::map<std::string, kube::ResourceSlice>& actual) {
  struct Pool {
    std::size_t slices = 0;
    std::size_t devices = 0;
    std::int64_t generation = 0;
  };
  std::map<std::string_view, Pool> pools;
  for (const kube::ResourceSlice& slice : desired) {
    pools[slice.pool.name];  // also what is not there has a number, 0
  }
  for (const auto& [name, slice] : actual) {
    Pool& pool = pools[slice.pool.name];
    ++pool.slices;
    pool.devices += slice.devices.size();
    pool.generation = std::max(pool.generation, slice.pool.generation);
  }
  const std::string& driver = desired.front().driver;
  for (const auto& [name, pool] : pools) {
    slices.with({driver, name}).set(static_cast<double>(pool.slices));
    devices.with({driver, name}).set(static_cast<double>(pool.devices));
    generation.with({driver, name}).set(static_cast<double>(pool.generation));
  }
}

}  // namespace simgpu::slice
