#include <benchmark/benchmark.h>
#include <cstdlib>
#include <filesystem>

#include "bench/micro/samples.h"
#include "simgpu/claim/store.h"

namespace simgpu::bench {
namespace {

namespace fs = std::filesystem;

/// A store on a tmpfs, as `/var/run/cdi` is, with some claims prepared. Their numbers are from 1 on.
class StoreWithClaims {
 public:
  explicit StoreWithClaims(std::size_t claims) {
    std::string name = "/dev/shm/simgpu-micro-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      std::abort();
    }
    root_ = name;
    reopen();
    for (std::size_t i = 1; i <= claims; ++i) {
      commit(record(i));
    }
  }
  StoreWithClaims(const StoreWithClaims&) = delete;
  StoreWithClaims& operator=(const StoreWithClaims&) = delete;
  ~StoreWithClaims() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  void reopen() {
    store_.reset();
    store_ = *claim::Store::open({.naming = naming(),
                                  .cdiRoot = root_ / "cdi",
                                  .lockFile = root_ / "serialize.lock",
                                  .bootId = "boot-1",
                                  .inventory = &inventory()},
                                 files_, clock_, instruments_, base::Logger());
  }

  void commit(const claim::Record& record) {
    auto ticket = store_->begin(record.prepared.claim.uid);
    if (!store_->commit(ticket, record, [] { return false; })) {
      std::abort();
    }
  }

  claim::Store& operator*() { return *store_; }

 private:
  base::PosixFiles files_;
  base::SystemClock clock_;
  metrics::Registry registry_;
  claim::Instruments instruments_{registry_};
  fs::path root_;
  std::unique_ptr<claim::Store> store_;
};

void commitAndRemove(benchmark::State& state) {
  StoreWithClaims store(static_cast<std::size_t>(state.range(0)));
  claim::Record claim = record(0);
  for (auto _ : state) {
    store.commit(claim);
    benchmark::DoNotOptimize((*store).remove(claim.prepared.claim.uid));
  }
}
BENCHMARK(commitAndRemove)->Arg(0)->Arg(10)->Arg(100)->Arg(999)->Unit(benchmark::kMicrosecond)->UseRealTime();

/// What a Prepare asks whose claim cannot be read, and the sweep.
void findPrepared(benchmark::State& state) {
  StoreWithClaims store(static_cast<std::size_t>(state.range(0)));
  std::string uid = claimUid(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize((*store).find(uid));
  }
}
BENCHMARK(findPrepared)->Arg(10)->Arg(999)->Unit(benchmark::kMicrosecond)->UseRealTime();

/// What a start does.
void openStore(benchmark::State& state) {
  StoreWithClaims store(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    store.reopen();
  }
}
BENCHMARK(openStore)->Arg(10)->Arg(999)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace simgpu::bench
