#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "simgpu/cdi/spec.h"

namespace simgpu::bench {
namespace {

void renderSpec(benchmark::State& state) {
  claim::Record claim = record(0);
  for (auto _ : state) {
    benchmark::DoNotOptimize(cdi::render(claim.spec));
  }
}
BENCHMARK(renderSpec);

/// What a start does for each prepared claim.
void parseSpec(benchmark::State& state) {
  std::string text = cdi::render(record(0).spec);
  for (auto _ : state) {
    benchmark::DoNotOptimize(claim::readRecord(naming(), claimUid(0), cdi::parse(text)));
  }
}
BENCHMARK(parseSpec);

}  // namespace
}  // namespace simgpu::bench
