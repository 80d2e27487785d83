#include "simgpu/claim/status_writer.h"

#include <atomic>

#include "fakes/cluster.h"
#include "fakes/eventually.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/fixed_random.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "fakes/silent_transport.h"
#include "simgpu/kube/json.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;
using fakes::AllocationBuilder;
using fakes::eventually;
using nlohmann::json;
using testing::IsEmpty;
using testing::SizeIs;

kube::HttpResponse answer(int status, std::string body = "") {
  return {.status = status, .body = std::move(body)};
}

class StatusWriterTest : public testing::Test {
 protected:
  StatusWriterTest()
      : inventory(*device::Inventory::create(*device::Profile::embedded("gpu"),
                                             {.nodeName = "node-a", .driverName = "gpu.example.com"})) {
    EXPECT_OK(files.createDirectories("/plugins", 0750));
    store = *Store::open({.naming = naming, .cdiRoot = "/var/run/cdi", .lockFile = "/plugins/lock", .bootId = "boot-1"},
                         files, clock, instruments, log);
    writer = std::make_unique<StatusWriter>(inventory, *store, api, clock, random, log);
  }

  /// A claim that is allocated and, as far as the store knows, prepared.
  ClaimRef allocated(const std::string& name, const json& allocation = AllocationBuilder().device("gpu-0").build()) {
    ClaimRef claim = cluster.claim(name, allocation);
    std::string device = "gpu-" + name;  // which one does not matter here
    Record record = makeRecord(naming, {.claim = claim, .devices = {{.pool = "node-a", .device = device}}},
                               {{.pool = "node-a", .device = device}}, "boot-1",
                               {{.name = naming.deviceName(claim.uid, device, ""), .edits = {.env = {"A=1"}}}}, {});
    EXPECT_TRUE(store->commit(store->begin(claim.uid), record, [] { return false; }));
    return claim;
  }

  kube::ResourceClaim read(const std::string& name) {
    return *kube::resourceClaimFromJson(*server.get(fakes::Cluster::claimPath(name)));
  }

  std::vector<kube::AllocatedDeviceStatus> statuses(const std::string& name) { return read(name).devices; }

  std::size_t writes() const { return server.requests("PATCH"); }

  /// The writer has made this many requests, and pauses before the next.
  bool pausesAfter(std::size_t requests) {
    return eventually([&] { return writes() == requests; }) && clock.awaitWaiters(1, 10min);
  }

  SpecNaming naming{.driverName = "gpu.example.com", .cdiClass = "gpu"};
  fakes::FakeClock clock;
  fakes::FakeFiles files;
  fakes::FixedRandom random;
  fakes::MemoryLog lines;
  base::Logger log{lines, clock, {.verbosity = 2}};
  standin::ApiServer server{clock};
  fakes::Cluster cluster{server};
  std::unique_ptr<kube::Transport> transport = server.transport();
  kube::Client api{*transport, clock, {.qps = 0}, log};
  device::Inventory inventory;
  metrics::Registry registry;
  Instruments instruments{registry};
  std::unique_ptr<Store> store;
  std::unique_ptr<StatusWriter> writer;
};

TEST_F(StatusWriterTest, AServerThatFailsIsTriedAgainWithGrowingPauses) {
  allocated("train");
  std::atomic<int> failures = 3;
  server.intercept([&](const kube::HttpRequest& request) {
    return request.method == "PATCH" && failures-- > 0 ? std::optional(answer(503)) : std::nullopt;
  });
  auto began = clock.now();

  writer->prepared(read("train"));
  for (std::size_t request = 1; request <= 3; ++request) {
    ASSERT_TRUE(pausesAfter(request));
    clock.advance(1s);
  }

  EXPECT_TRUE(eventually([&] { return statuses("train").size() == 1; }));
  EXPECT_EQ(clock.now() - began, 3s);
  EXPECT_EQ(writes(), 4u);
}

TEST_F(StatusWriterTest, ItGivesUpAfterSomeMinutesAndSaysSo) {
  allocated("train");
  kube::ResourceClaim claim = read("train");
  server.intercept([](const kube::HttpRequest&) { return answer(500); });

  writer->prepared(claim);
  for (std::size_t request = 1; lines.count("Gave up writing the device status") == 0; ++request) {
    ASSERT_LT(request, 30u);
    ASSERT_TRUE(eventually([&] { return writes() == request; }));
    if (clock.awaitWaiters(1, 10min, 200ms)) {
      clock.advance(1min);
    }
  }

  EXPECT_EQ(writes(), 14u);
}

TEST_F(StatusWriterTest, RetryAfterIsObeyed) {
  allocated("train");
  std::atomic<bool> busy = true;
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    return request.method == "PATCH" && busy.exchange(false)
               ? std::optional(kube::HttpResponse{.status = 429, .body = "Too many requests", .retryAfter = 30s})
               : std::nullopt;
  });

  writer->prepared(read("train"));
  ASSERT_TRUE(pausesAfter(1));
  clock.advance(29s);
  EXPECT_FALSE(eventually([&] { return writes() > 1; }, 50ms));
  clock.advance(1s);

  EXPECT_TRUE(eventually([&] { return statuses("train").size() == 1; }));
}

TEST_F(StatusWriterTest, AMissingRightIsExplainedOnceWithItsName) {
  allocated("a");
  allocated("b");
  std::atomic<bool> refuse = true;
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    if (request.method != "PATCH" || !refuse) {
      return std::nullopt;
    }
    return answer(422, R"({"kind":"Status","code":422,"reason":"Invalid","message":
        "status.devices: Forbidden: changing status.devices requires resource=\"resourceclaims/driver\", )"
                       R"(verb=\"[associated-node:patch arbitrary-node:patch]\" permission: no"})");
  });

  writer->prepared(read("a"));
  writer->prepared(read("b"));
  ASSERT_TRUE(eventually([&] { return writes() == 2; }));
  EXPECT_TRUE(eventually([&] { return lines.count("Cannot write the status of devices") == 1; }));
  EXPECT_EQ(lines.count("associated-node:patch"), 1u);

  refuse = false;
  writer->prepared(read("a"));
  EXPECT_TRUE(eventually([&] { return statuses("a").size() == 1; })) << "it works as soon as the right is there";
}

TEST_F(StatusWriterTest, AClaimThatIsNoLongerPreparedIsForgotten) {
  ClaimRef claim = allocated("train");
  kube::ResourceClaim found = read("train");
  std::atomic<bool> failing = true;
  server.intercept([&](const kube::HttpRequest& request) {
    return request.method == "PATCH" && failing ? std::optional(answer(500)) : std::nullopt;
  });
  writer->prepared(found);
  ASSERT_TRUE(pausesAfter(1));

  ASSERT_OK(store->remove(claim.uid));
  failing = false;
  clock.advance(1s);

  ASSERT_TRUE(clock.awaitWaiters());
  EXPECT_EQ(writes(), 1u);
  EXPECT_THAT(statuses("train"), IsEmpty());
}

TEST_F(StatusWriterTest, AClaimThatWasReplacedKeepsItsOwnStatus) {
  allocated("train");
  kube::ResourceClaim old = read("train");
  cluster.deleteClaim("train");
  cluster.claim("train", AllocationBuilder().device("gpu-0").build());

  writer->prepared(old);

  EXPECT_TRUE(eventually([&] { return lines.count("A claim is gone before its device status was written") == 1; }));
  EXPECT_THAT(statuses("train"), IsEmpty());
}

TEST_F(StatusWriterTest, AClaimThatIsGoneIsForgotten) {
  allocated("train");
  kube::ResourceClaim old = read("train");
  cluster.deleteClaim("train");
  writer->prepared(old);
  EXPECT_TRUE(eventually([&] { return lines.count("A claim is gone before its device status was written") == 1; }));
}

TEST_F(StatusWriterTest, ADeviceThatIsNoLongerAllocatedIsNotTriedAgain) {
  allocated("train");
  kube::ResourceClaim old = read("train");
  cluster.reallocate("train", AllocationBuilder().device("gpu-1").build());

  writer->prepared(old);

  EXPECT_TRUE(eventually([&] { return lines.count("refuses the device status") == 1; }));
  ASSERT_TRUE(clock.awaitWaiters());
  EXPECT_EQ(writes(), 1u);
}

TEST_F(StatusWriterTest, OneRequestWritesAllDevicesOfTheClaim) {
  allocated("train", AllocationBuilder().device("gpu-0").device("gpu-3").build());

  writer->prepared(read("train"));

  ASSERT_TRUE(eventually([&] { return statuses("train").size() == 2; }));
  EXPECT_EQ(statuses("train")[1].device, "gpu-3");
  EXPECT_EQ(statuses("train")[1].data["model"]["string"], "LATEST-GPU-MODEL");
  EXPECT_EQ(writes(), 1u);
}

TEST_F(StatusWriterTest, EntriesOfOthersAndTheirConditionsStay) {
  allocated("train", AllocationBuilder().device("gpu-0").device("nic-0", "gpu", "node-a", "net.example.com").build());
  kube::Condition ready{
      .type = "Ready", .status = "True", .reason = "Ready", .lastTransitionTime = "2026-01-01T00:00:00Z"};
  auto foreign = api.applyDeviceStatus(
      read("train").metadata,
      {{.driver = "net.example.com", .pool = "node-a", .device = "nic-0", .data = {{"ip", "10.0.0.1"}}},
       {.driver = "gpu.example.com", .pool = "node-a", .device = "gpu-0", .conditions = {ready}}},
      "somebody", clock.now() + 10s);
  ASSERT_OK(foreign);

  writer->prepared(*foreign);

  ASSERT_TRUE(eventually([&] { return writes() == 2; }));
  ASSERT_TRUE(clock.awaitWaiters());
  auto all = statuses("train");
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].data["ip"], "10.0.0.1");
  EXPECT_THAT(all[1].conditions, testing::ElementsAre(ready));
  EXPECT_TRUE(all[1].data.contains("uuid"));
}

TEST_F(StatusWriterTest, WhatTheClaimSaysAlreadyCostsNothing) {
  allocated("train");
  writer->prepared(read("train"));
  ASSERT_TRUE(eventually([&] { return statuses("train").size() == 1; }));

  writer->prepared(read("train"));

  ASSERT_TRUE(clock.awaitWaiters());
  EXPECT_EQ(writes(), 1u);
}

TEST_F(StatusWriterTest, ASharedDeviceIsNamedWithItsShare) {
  allocated("train", AllocationBuilder().device("gpu-0").share("aaaaaaaa-0000-4000-8000-000000000001").build());
  writer->prepared(read("train"));
  ASSERT_TRUE(eventually([&] { return statuses("train").size() == 1; }));
  EXPECT_EQ(statuses("train")[0].shareId, "aaaaaaaa-0000-4000-8000-000000000001");
}

TEST_F(StatusWriterTest, AServerThatDropsTheFieldIsReportedOnce) {
  allocated("a");
  allocated("b");
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    return request.method == "PATCH" ? std::optional(answer(200, R"({"metadata":{"name":"x"}})")) : std::nullopt;
  });
  writer->prepared(read("a"));
  writer->prepared(read("b"));
  ASSERT_TRUE(eventually([&] { return writes() == 2; }));
  ASSERT_TRUE(clock.awaitWaiters());
  EXPECT_EQ(lines.count("DRAResourceClaimDeviceStatus is off"), 1u);
}

TEST_F(StatusWriterTest, TheQueueHasAnEnd) {
  fakes::SilentTransport silent;
  kube::Client deaf(silent, clock, {.qps = 0}, log);
  allocated("first");
  StatusWriter other(inventory, *store, deaf, clock, random, log);
  other.prepared(read("first"));
  ASSERT_TRUE(eventually([&] { return silent.requests() == 1; })) << "its only thread is busy now";
  kube::ResourceClaim claim = read("first");

  for (std::size_t i = 0; i < StatusWriter::kMaxQueued + 5; ++i) {
    claim.metadata.uid = "uid-" + std::to_string(i);
    other.prepared(claim);
    other.prepared(claim);  // the same once more
  }

  EXPECT_EQ(lines.count("Too many claims wait"), 10u);
}

TEST_F(StatusWriterTest, StoppingWaitsNeitherForAnAnswerNorForAPause) {
  fakes::SilentTransport silent;
  kube::Client deaf(silent, clock, {.qps = 0}, log);
  allocated("train");
  {
    StatusWriter other(inventory, *store, deaf, clock, random, log);
    other.prepared(read("train"));
    ASSERT_TRUE(eventually([&] { return silent.requests() == 1; }));
  }
  kube::ResourceClaim found = read("train");
  server.intercept([](const kube::HttpRequest&) { return answer(500); });
  writer->prepared(found);
  ASSERT_TRUE(pausesAfter(1));
  writer.reset();
}

}  // namespace
}  // namespace simgpu::claim
