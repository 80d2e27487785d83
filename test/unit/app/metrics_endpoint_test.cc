#include "app/metrics_endpoint.h"

#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"

namespace simgpu::app {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

class MetricsEndpointTest : public testing::Test {
 protected:
  http::Response ask(const std::string& method, const std::string& path) const {
    return answerMetrics({.method = method, .path = path, .query = "", .headers = {}, .body = ""}, registry);
  }

  metrics::Registry registry;
};

TEST_F(MetricsEndpointTest, OtherPathsAreNotFound) {
  for (const char* path : {"/", "/metrics/", "/metricsx", "/debug/pprof", ""}) {
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  }
}

TEST_F(MetricsEndpointTest, ProbesAreAnsweredApart) {
  auto probe = [](const std::string& path, bool ready) {
    auto response = answerProbe({.method = "GET", .path = path, .query = "", .headers = {}, .body = ""}, ready);
    return response ? response->status : 0;
  };
  EXPECT_EQ(probe("/readyz", false), 503);
  EXPECT_EQ(probe("/readyz", true), 200);
  EXPECT_EQ(probe("/healthz", false), 200);
  EXPECT_EQ(probe("/metrics", true), 0);
}

TEST_F(MetricsEndpointTest, NobodyCanResetOrWriteThem) {
  for (const char* method : {"DELETE", "POST", "PUT"}) {
    auto response = ask(method, "/metrics");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_THAT(response.headers, Contains(Pair("Allow", HasSubstr("GET"))));
  }
}

TEST_F(MetricsEndpointTest, TheTypeOfTheContentIsThatOfTheReference) {
  registry.gauge("a", "A.").set(1);
  auto response = ask("GET", "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.contentType, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
  EXPECT_EQ(response.body, registry.text());
}

TEST_F(MetricsEndpointTest, APortInUseIsNamed) {
  auto first = serveMetrics(0, registry, {});
  ASSERT_OK(first);
  EXPECT_THAT(serveMetrics((*first)->port(), registry, {}),
              Fails(Code::unavailable, AllOf(StartsWith("start metrics server: listen on any address, port "),
                                             HasSubstr(std::to_string((*first)->port())))));
}

TEST_F(MetricsEndpointTest, TheReleaseIsALabel) {
  fakes::FakeFiles files;
  addProgramMetrics(registry, files);
  EXPECT_THAT(registry.text(), HasSubstr("dra_sim_gpu_build_info{version=\""));
}

}  // namespace
}  // namespace simgpu::app
