#include <benchmark/benchmark.h>

#include "simgpu/base/quantity.h"

namespace simgpu::bench {
namespace {

void parseQuantity(benchmark::State& state, std::string_view text) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(base::Quantity::parse(text));
  }
}
BENCHMARK_CAPTURE(parseQuantity, binary, "80Gi");
BENCHMARK_CAPTURE(parseQuantity, decimal, "1500m");
BENCHMARK_CAPTURE(parseQuantity, exponent, "1.25e9");

void writeQuantity(benchmark::State& state) {
  auto quantity = *base::Quantity::parse("81920Mi");
  for (auto _ : state) {
    benchmark::DoNotOptimize(quantity.toString());
  }
}
BENCHMARK(writeQuantity);

}  // namespace
}  // namespace simgpu::bench
