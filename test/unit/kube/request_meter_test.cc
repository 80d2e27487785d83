#include "kube/request_meter.h"

#include "fakes/fake_clock.h"
#include "unit/kube/transport_fixture.h"

namespace simgpu::kube {
namespace {

using testing::HasSubstr;
using testing::Not;

RequestKind kindOf(std::string method, std::string target) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  return kube::kindOf(request);
}

TEST(RequestKind, WhatIsNoResourceIsOther) {
  for (const char* target : {"", "/", "/version", "/api", "/api/v1", "/apis/resource.k8s.io/v1", "/?watch=1"}) {
    EXPECT_EQ(kindOf("GET", target), (RequestKind{.verb = "list", .resource = "other"})) << target;
  }
}

TEST(RequestKind, IsInTheWordsOfRbac) {
  const std::string slices = "/apis/resource.k8s.io/v1/resourceslices";
  const std::string claims = "/apis/resource.k8s.io/v1/namespaces/team-a/resourceclaims";
  EXPECT_EQ(kindOf("GET", slices + "?fieldSelector=x&limit=500"), (RequestKind{"list", "resourceslices"}));
  EXPECT_EQ(kindOf("GET", slices + "?fieldSelector=x&watch=1&a=b"), (RequestKind{"watch", "resourceslices"}));
  EXPECT_EQ(kindOf("POST", slices), (RequestKind{"create", "resourceslices"}));
  EXPECT_EQ(kindOf("PUT", slices + "/s-1"), (RequestKind{"update", "resourceslices"}));
  EXPECT_EQ(kindOf("DELETE", slices + "/s-1"), (RequestKind{"delete", "resourceslices"}));
  EXPECT_EQ(kindOf("DELETE", slices), (RequestKind{"deletecollection", "resourceslices"}));
  EXPECT_EQ(kindOf("GET", claims + "/train"), (RequestKind{"get", "resourceclaims"}));
  EXPECT_EQ(kindOf("PATCH", claims + "/train/status"), (RequestKind{"patch", "resourceclaims/status"}));
  EXPECT_EQ(kindOf("GET", "/api/v1/nodes/node-a"), (RequestKind{"get", "nodes"}));
  EXPECT_EQ(kindOf("POST", "/api/v1/namespaces/default/events"), (RequestKind{"create", "events"}));
  EXPECT_EQ(kindOf("GET", "/api/v1/namespaces/kube-system"), (RequestKind{"get", "namespaces"}));
}

TEST(RequestMeter, CountsAnswersByCodeAndFailuresAsError) {
  metrics::Registry registry;
  fakes::FakeClock clock;
  RequestMeter meter(registry, clock);
  HttpRequest request;
  request.target = "/api/v1/nodes/n";

  meter.begin(request)(403);
  auto over = meter.begin(request);
  clock.advance(std::chrono::milliseconds(40));
  over(0);

  std::string text = registry.text();
  EXPECT_THAT(text, HasSubstr("dra_sim_gpu_api_requests_total{verb=\"get\",resource=\"nodes\",code=\"403\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("dra_sim_gpu_api_requests_total{verb=\"get\",resource=\"nodes\",code=\"error\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{verb=\"get\",resource=\"nodes\",le=\"0.025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{verb=\"get\",resource=\"nodes\",le=\"0.05\"} 2\n"));
}

TEST(RequestMeter, AWatchIsCountedButNotTimed) {
  metrics::Registry registry;
  fakes::FakeClock clock;
  RequestMeter meter(registry, clock);
  HttpRequest request;
  request.target = "/apis/resource.k8s.io/v1/resourceslices?watch=1";

  meter.begin(request)(200);

  EXPECT_THAT(registry.text(), HasSubstr("{verb=\"watch\",resource=\"resourceslices\",code=\"200\"} 1\n"));
  EXPECT_THAT(registry.text(), Not(HasSubstr("duration")));
}

}  // namespace
}  // namespace simgpu::kube
