#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "fakes/golden.h"
#include "kube/protobuf_decode.h"
#include "simgpu/claim/allocation.h"
#include "simgpu/kube/json.h"

namespace simgpu::bench {
namespace {

/// What an API server answered about one claim, in either form.
std::string recorded(const std::string& form) {
  return fakes::sourceFile("test/unit/kube/recorded/claim." + form);
}

/// From the body of the API server's answer to the typed claim, as a Prepare does it.
void decodeClaim(benchmark::State& state) {
  const std::string body = recorded("protobuf");
  for (auto _ : state) {
    benchmark::DoNotOptimize(kube::resourceClaimFromProtobuf(body));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(decodeClaim);

/// The same from the form that everything else has.
void decodeClaimInJson(benchmark::State& state) {
  const std::string body = recorded("json");
  for (auto _ : state) {
    auto json = kube::parseJson(body);
    benchmark::DoNotOptimize(kube::resourceClaimFromJson(*json));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(decodeClaimInJson);

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
