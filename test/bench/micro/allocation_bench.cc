#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "simgpu/claim/allocation.h"
#include "simgpu/kube/json.h"

namespace simgpu::bench {
namespace {

/// From the body of the API server's answer to the typed claim.
void decodeClaim(benchmark::State& state) {
  for (auto _ : state) {
    auto json = kube::parseJson(claimText());
    benchmark::DoNotOptimize(kube::resourceClaimFromJson(*json));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * claimText().size()));
}
BENCHMARK(decodeClaim);

/// Configuration: parameters decoded and validated, the device found, its edits and the record made.
void resolveClaim(benchmark::State& state) {
  const device::Inventory& devices = inventory();
  auto claim = *kube::resourceClaimFromJson(*kube::parseJson(claimText()));
  claim::ClaimRef reference{.space = "team-a", .name = "train", .uid = claimUid(0)};
  for (auto _ : state) {
    benchmark::DoNotOptimize(claim::resolveAllocation(devices, naming(), reference, *claim.allocation, "boot-1"));
  }
}
BENCHMARK(resolveClaim);

}  // namespace
}  // namespace simgpu::bench
