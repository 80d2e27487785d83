#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "simgpu/kube/json.h"
#include "simgpu/slice/plan.h"

namespace simgpu::bench {
namespace {

/// The profile applied to a node: what a start does before anything is served.
void makeInventory(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        device::Inventory::create(*device::Profile::embedded("gpu"),
                                  {.nodeName = "node-a", .driverName = "gpu.example.com", .numDevices = kDevices}));
  }
}
BENCHMARK(makeInventory)->Unit(benchmark::kMillisecond);

void planSlices(benchmark::State& state) {
  const device::Inventory& devices = inventory();
  for (auto _ : state) {
    benchmark::DoNotOptimize(slice::plan(devices));
  }
}
BENCHMARK(planSlices)->Unit(benchmark::kMillisecond);

/// The bodies of the requests that publish them.
void encodeSlices(benchmark::State& state) {
  auto planned = slice::plan(inventory());
  for (auto _ : state) {
    for (const kube::ResourceSlice& slice : planned.slices) {
      benchmark::DoNotOptimize(kube::dumpJson(kube::toJson(slice)));
    }
  }
}
BENCHMARK(encodeSlices)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace simgpu::bench
