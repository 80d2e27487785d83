#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "fakes/cluster.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/fixed_random.h"
#include "fakes/memory_log.h"
#include "fakes/recorded_events.h"
#include "fakes/result_matchers.h"
#include "simgpu/claim/preparer.h"

namespace simgpu::claim {

/// The part of a driver that prepares claims, on the node `node-a` of a stand-in cluster.
class PreparerFixture : public testing::Test {
 protected:
  static inline const std::filesystem::path kRoot = "/var/run/cdi";
  static inline const std::filesystem::path kMetadata = "/plugins/dra-device-metadata";

  explicit PreparerFixture(bool deviceMetadata)
      : inventory(*device::Inventory::create(*device::Profile::embedded("gpu"),
                                             {.nodeName = "node-a", .driverName = "gpu.example.com"})) {
    EXPECT_OK(files.createDirectories("/plugins", 0750));
    open(deviceMetadata);
  }

  /// As after a restart of the daemon: everything anew but files and API server.
  void open(bool deviceMetadata, const std::string& bootId = "boot-1") {
    preparer.reset();
    store = *Store::open({.naming = {.driverName = "gpu.example.com", .cdiClass = "gpu"},
                          .cdiRoot = kRoot,
                          .lockFile = "/plugins/serialize.lock",
                          .bootId = bootId,
                          .metadataDirectory = kMetadata,
                          .deviceMetadata = deviceMetadata},
                         files, clock, instruments, log);
    preparer = std::make_unique<Preparer>(inventory, *store, api, clock, random, Preparer::Listeners{}, events,
                                          instruments, log);
  }

  Result<PreparedClaim> prepare(const ClaimRef& claim) { return std::move(preparer->prepare({&claim, 1}, {}).front()); }

  Status unprepare(const ClaimRef& claim) { return preparer->unprepare({&claim, 1}, {}).front(); }

  /// A claim that is allocated one device.
  ClaimRef claim(std::string_view name, std::string_view device) {
    return cluster.claim(name, fakes::AllocationBuilder().device(device).build());
  }

  fakes::FakeClock clock;
  fakes::FakeFiles files;
  fakes::FixedRandom random;
  fakes::MemoryLog sink;
  base::Logger log{sink, clock, {}};
  standin::ApiServer server{clock};
  fakes::Cluster cluster{server};
  std::unique_ptr<kube::Transport> transport = server.transport();
  kube::Client api{*transport, clock, {.qps = 0}, log};
  device::Inventory inventory;
  metrics::Registry registry;
  Instruments instruments{registry};
  fakes::RecordedEvents events;
  std::unique_ptr<Store> store;
  std::unique_ptr<Preparer> preparer;
};

}  // namespace simgpu::claim
