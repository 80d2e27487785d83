#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>

#include "fakes/cluster.h"
#include "fakes/eventually.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/faulty_transport.h"
#include "fakes/fixed_random.h"
#include "fakes/memory_log.h"
#include "fakes/recorded_events.h"
#include "fakes/result_matchers.h"
#include "simgpu/kube/client.h"
#include "simgpu/slice/publisher.h"
#include "simgpu/standin/api_server.h"
#include "unit/slice/slice_builder.h"

namespace simgpu::slice {

using namespace std::chrono_literals;
using fakes::eventually;
using nlohmann::json;

inline constexpr const char* kSlices = "/apis/resource.k8s.io/v1/resourceslices";
inline constexpr const char* kNodes = "/api/v1/nodes";

inline kube::HttpResponse answer(int status, std::string body = "") {
  return {.status = status, .body = std::move(body), .retryAfter = {}, .warnings = {}};
}

/// A publisher on a stand-in API server that has the Node `node-a`.
class PublisherTest : public testing::Test {
 protected:
  PublisherTest() { EXPECT_TRUE(files.createDirectories("/plugins", 0750).ok()); }

  std::unique_ptr<Publisher> makePublisher(std::size_t devices, const std::string& node = "node-a") {
    return makePublisher(gpus(devices, node));
  }

  std::unique_ptr<Publisher> makePublisher(device::Inventory inventory) {
    return std::make_unique<Publisher>(Publisher::Options{.lockFile = "/plugins/publish.lock"},
                                       inventories.emplace_back(std::move(inventory)), api, clock, random, files,
                                       events, instruments, log);
  }

  /// Starts a publisher, instead of the one that runs.
  void start(std::size_t devices) {
    publisher.reset();
    publisher = makePublisher(devices);
  }

  /// Starts one and waits until it has nothing more to do.
  void publish(std::size_t devices) {
    start(devices);
    ASSERT_TRUE(becomesIdle());
  }

  std::vector<json> slices() { return server.list(kSlices); }

  /// Writes of slices so far.
  std::size_t writes() const {
    return server.requests("POST", kSlices) + server.requests("PUT", kSlices) + server.requests("DELETE", kSlices);
  }

  /// The slices are complete, of one generation, with so many devices.
  bool published(std::size_t devices, std::int64_t generation) {
    std::size_t found = 0;
    auto all = slices();
    for (const json& slice : all) {
      const json& pool = slice["spec"]["pool"];
      if (pool["generation"] != generation || pool["resourceSliceCount"] != all.size()) {
        return false;
      }
      found += slice["spec"].contains("devices") ? slice["spec"]["devices"].size() : 0;
    }
    return !all.empty() && found == devices;
  }

  /// The publisher waits for its watch alone.
  bool becomesIdle() {
    return eventually([this] { return lines.count("Published ResourceSlices") > 0; }) && clock.awaitWaiters();
  }

  /// The publisher has begun its watch of this number, and compared what there is.
  bool watches(std::size_t count) {
    return eventually([=, this] { return server.requests("WATCH") == count; }) && clock.awaitWaiters();
  }

  /// The publisher waits for a time that is not too far away.
  bool pauses(base::Clock::Duration within = 10min) { return clock.awaitWaiters(1, within); }

  std::string path(const json& slice) const {
    return std::string(kSlices) + "/" + slice["metadata"]["name"].get<std::string>();
  }

  /// What a kubelet does when it starts.
  void wipe() {
    kube::HttpRequest request{
        .method = "DELETE", .target = std::string(kSlices) + "?fieldSelector=spec.nodeName%3Dnode-a", .deadline = {}};
    EXPECT_EQ(transport->send(request).get()->status, 200);
  }

  std::list<device::Inventory> inventories;  ///< Of the publishers, which refer to them.
  fakes::FakeClock clock;
  standin::ApiServer server{clock};
  fakes::Cluster cluster{server};
  std::unique_ptr<kube::Transport> transport = server.transport();
  fakes::FaultyTransport network{*transport};
  fakes::FakeFiles files;
  fakes::FixedRandom random;
  fakes::MemoryLog lines;
  base::Logger log{lines, clock, {}};
  kube::Client api{network, clock, {.qps = 0, .burst = 0}, log};
  metrics::Registry registry;
  Instruments instruments{registry};
  fakes::RecordedEvents events;
  std::unique_ptr<Publisher> publisher;
};

}  // namespace simgpu::slice
