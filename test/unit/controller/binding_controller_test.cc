#include "simgpu/controller/binding_controller.h"

#include <atomic>

#include "fakes/cluster.h"
#include "fakes/eventually.h"
#include "fakes/fake_clock.h"
#include "fakes/faulty_transport.h"
#include "fakes/fixed_random.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "fakes/silent_transport.h"
#include "simgpu/kube/json.h"

namespace simgpu::controller {
namespace {

using namespace std::chrono_literals;
using fakes::AllocationBuilder;
using fakes::eventually;
using nlohmann::json;

json bound(std::string_view device = "gpu-0") {
  return AllocationBuilder().device(device).binding().build();
}

kube::HttpResponse answer(int status, std::string body = "") {
  return {.status = status, .body = std::move(body)};
}

class BindingControllerTest : public testing::Test {
 protected:
  void start() {
    controller = std::make_unique<BindingController>(rules, api, clock, random, log);
    ASSERT_TRUE(eventually([this] { return controller->ready(); }));
    ASSERT_TRUE(idle());
  }

  /// The controller waits, for its watch or for a time.
  bool idle() { return clock.awaitWaiters(); }

  /// The types of the conditions that are True.
  std::vector<std::string> conditions(std::string_view name) {
    std::vector<std::string> types;
    auto claim = kube::resourceClaimFromJson(*server.get(fakes::Cluster::claimPath(name)));
    for (const auto& device : claim->devices) {
      for (const auto& condition : device.conditions) {
        types.push_back(condition.status == "True" ? condition.type : condition.type + "=" + condition.status);
      }
    }
    return types;
  }

  bool becomesReady(std::string_view name) {
    return eventually([&] { return conditions(name) == std::vector<std::string>{"BindingConditions"}; });
  }

  void annotate(std::string_view name, const json& value) {
    json claim = *server.get(fakes::Cluster::claimPath(name));
    claim["metadata"]["annotations"]["gpu.example.com/binding"] = value;
    ASSERT_OK(server.replace(fakes::Cluster::claimPath(name), claim));
  }

  std::size_t writes() const { return server.requests("PATCH"); }

  BindingRules rules{.driverName = "gpu.example.com", .failDevices = {}};
  fakes::FakeClock clock;
  standin::ApiServer server{clock};
  fakes::Cluster cluster{server};
  std::unique_ptr<kube::Transport> transport = server.transport();
  fakes::FaultyTransport network{*transport};
  fakes::FixedRandom random;
  fakes::MemoryLog lines;
  base::Logger log{lines, clock, {}};
  kube::Client api{network, clock, {.qps = 0}, log};
  std::unique_ptr<BindingController> controller;
};

TEST_F(BindingControllerTest, OneClaimThatIsRefusedHoldsUpNoOther) {
  server.intercept([](const kube::HttpRequest& request) {
    return request.method == "PATCH" && request.target.find("/bad/") != std::string::npos ? std::optional(answer(500))
                                                                                          : std::nullopt;
  });
  cluster.claim("bad", bound());
  cluster.claim("good", bound());
  start();

  EXPECT_TRUE(becomesReady("good"));
  cluster.claim("later", bound("gpu-1"));
  EXPECT_TRUE(becomesReady("later"));
}

TEST_F(BindingControllerTest, AWriteThatFailsIsTriedAgainWithGrowingPauses) {
  std::atomic<int> failures = 4;
  server.intercept([&](const kube::HttpRequest& request) {
    return request.method == "PATCH" && failures-- > 0 ? std::optional(answer(503)) : std::nullopt;
  });
  cluster.claim("train", bound());
  start();
  auto began = clock.now();

  for (std::size_t request = 1; request <= 4; ++request) {
    ASSERT_TRUE(eventually([&] { return writes() == request; }));
    ASSERT_TRUE(clock.awaitWaiters(1, 1min));
    clock.advance(1s * (1 << request));
  }

  EXPECT_TRUE(becomesReady("train"));
  EXPECT_EQ(writes(), 5u);
  EXPECT_LE(clock.now() - began, 30s);
}

TEST_F(BindingControllerTest, AMissingRightIsExplainedOnceAndTriedAgain) {
  std::atomic<bool> refuse = true;
  server.intercept([&](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    if (request.method != "PATCH" || !refuse) {
      return std::nullopt;
    }
    return answer(422, R"({"kind":"Status","code":422,"reason":"Invalid","message":
        "status.devices: Forbidden: changing status.devices requires resource=\"resourceclaims/driver\", )"
                       R"(verb=\"[associated-node:patch arbitrary-node:patch]\" permission: no"})");
  });
  cluster.claim("a", bound());
  cluster.claim("b", bound("gpu-1"));
  start();
  ASSERT_TRUE(eventually([&] { return writes() == 2; }));
  ASSERT_TRUE(clock.awaitWaiters(1, 1min));
  EXPECT_EQ(lines.count("Cannot set binding conditions; give the controller the right"), 1u);

  refuse = false;
  clock.advance(1min);

  EXPECT_TRUE(becomesReady("a"));
  EXPECT_TRUE(becomesReady("b"));
}

TEST_F(BindingControllerTest, AListThatFailsIsTriedAgain) {
  cluster.claim("train", bound());
  network.setDown(true);
  controller = std::make_unique<BindingController>(rules, api, clock, random, log);
  ASSERT_TRUE(eventually([&] { return network.refused() == 1; }));
  ASSERT_TRUE(clock.awaitWaiters(1, 1min));
  EXPECT_FALSE(controller->ready());

  network.setDown(false);
  clock.advance(1s);

  EXPECT_TRUE(becomesReady("train"));
  EXPECT_TRUE(controller->ready());
}

TEST_F(BindingControllerTest, AClaimThatIsDeletedOrDeallocatedIsForgotten) {
  server.intercept([](const kube::HttpRequest& request) {
    return request.method == "PATCH" ? std::optional(answer(500)) : std::nullopt;
  });
  cluster.claim("deleted", bound());
  cluster.claim("other", bound("gpu-1"));
  start();
  ASSERT_TRUE(eventually([&] { return writes() == 2; }));

  cluster.deleteClaim("deleted");
  cluster.reallocate("other", AllocationBuilder().device("gpu-2").build());
  cluster.claim("last", AllocationBuilder().device("gpu-3").build());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(idle());
    clock.advance(2min);
  }

  EXPECT_LE(writes(), 3u) << "at most one more attempt, from before the news arrived";
}

TEST_F(BindingControllerTest, ConditionsAreSetOnceForClaimsThatWereThereAndThoseThatCome) {
  cluster.claim("early", bound("gpu-0"));
  cluster.claim("plain", AllocationBuilder().device("gpu-1").build());
  cluster.claim("foreign", AllocationBuilder().device("nic-0", "nic", "node-a", "net.example.com").binding().build());
  start();
  EXPECT_TRUE(becomesReady("early"));

  cluster.claim("late", bound("gpu-2"));
  EXPECT_TRUE(becomesReady("late"));

  ASSERT_TRUE(idle());
  EXPECT_EQ(writes(), 2u);
  EXPECT_THAT(conditions("plain"), testing::IsEmpty());
  EXPECT_THAT(conditions("foreign"), testing::IsEmpty());
}

TEST_F(BindingControllerTest, WhatTheKubeletPluginWroteStays) {
  auto claim = cluster.claim("train", AllocationBuilder().device("gpu-0").share("share-1").binding().build());
  ASSERT_OK(api.applyDeviceStatus({.name = claim.name, .space = claim.space, .uid = claim.uid},
                                  {{.driver = "gpu.example.com",
                                    .pool = "node-a",
                                    .device = "gpu-0",
                                    .shareId = "share-1",
                                    .data = {{"uuid", "x"}}}},
                                  "gpu.example.com/kubelet-plugin", clock.now() + 10s));
  start();

  EXPECT_TRUE(becomesReady("train"));
  json devices = (*server.get(fakes::Cluster::claimPath("train")))["status"]["devices"];
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0]["data"]["uuid"], "x");
}

TEST_F(BindingControllerTest, AFailureThatIsAskedForIsReported) {
  rules.failDevices = {*DevicePattern::parse("gpu-1")};
  cluster.claim("train", bound("gpu-1"));
  start();
  EXPECT_TRUE(eventually([&] { return conditions("train") == std::vector<std::string>{"BindingFailureConditions"}; }));
}

TEST_F(BindingControllerTest, AClaimThatWaitsBecomesReadyWhenItsAnnotationGoes) {
  cluster.claim("train");
  annotate("train", "wait");
  start();
  cluster.reallocate("train", bound());
  ASSERT_TRUE(idle());

  annotate("train", "ready");

  EXPECT_TRUE(becomesReady("train"));
  EXPECT_EQ(writes(), 1u);
}

TEST_F(BindingControllerTest, AWatchThatEndsIsResumedWithoutAnotherList) {
  start();
  std::size_t lists = server.requests("GET", "resourceclaims?");
  clock.advance(1min);
  server.endWatches();
  ASSERT_TRUE(eventually([&] { return server.requests("WATCH") == 2; }));

  cluster.claim("train", bound());

  EXPECT_TRUE(becomesReady("train"));
  EXPECT_EQ(server.requests("GET", "resourceclaims?"), lists);
}

TEST_F(BindingControllerTest, AWatchThatFellBehindIsReplacedByAList) {
  start();
  clock.advance(1min);
  ASSERT_TRUE(idle());
  std::size_t lists = server.requests("GET", "resourceclaims?");

  network.inject(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})");

  ASSERT_TRUE(eventually([&] { return server.requests("GET", "resourceclaims?") == lists + 1; }));
  cluster.claim("train", bound());
  EXPECT_TRUE(becomesReady("train"));
}

TEST_F(BindingControllerTest, AWatchThatBreaksIsReplacedByAListAfterAPause) {
  start();
  network.setDown(true);
  network.breakWatches(Status::unavailable("reset by peer"));
  cluster.claim("train", bound());
  ASSERT_TRUE(eventually([&] { return !controller->ready(); }));
  ASSERT_TRUE(clock.awaitWaiters(1, 1min));
  network.setDown(false);
  clock.advance(1min);

  EXPECT_TRUE(becomesReady("train"));
  EXPECT_TRUE(eventually([&] { return controller->ready(); }));
}

TEST_F(BindingControllerTest, StoppingDoesNotWaitForAnAnswer) {
  fakes::SilentTransport silent;
  kube::Client deaf(silent, clock, {.qps = 0}, log);
  BindingController other(rules, deaf, clock, random, log);
  ASSERT_TRUE(eventually([&] { return silent.requests() == 1; }));
}

}  // namespace
}  // namespace simgpu::controller
