// An API server that refuses or fails, and what the real program makes of it.

#include <atomic>
#include <future>

#include "integration/running_node.h"

namespace simgpu::integration {
namespace {

using kube::HttpRequest;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

std::string status(int code, const std::string& reason) {
  return nlohmann::json({{"kind", "Status"},
                         {"apiVersion", "v1"},
                         {"status", "Failure"},
                         {"reason", reason},
                         {"message", "said the test"},
                         {"code", code}})
      .dump();
}

bool isWatch(const HttpRequest& request) {
  return request.target.find("watch=") != std::string::npos;
}

class ApiFaultsTest : public RunningNodeTest {
 protected:
  /// The next `count` requests of this method whose path has `part` are answered like this, the others as ever.
  void answerWith(int count, const std::string& method, const std::string& part, const kube::HttpResponse& response) {
    api.intercept([=, left = std::make_shared<std::atomic<int>>(count)](
                      const HttpRequest& request) -> std::optional<kube::HttpResponse> {
      bool meant = request.method == method && request.target.find(part) != std::string::npos && !isWatch(request);
      return meant && --*left >= 0 ? std::optional(response) : std::nullopt;
    });
  }

  std::string pathOf(const nlohmann::json& slice) const {
    return std::string(kSlices) + "/" + slice["metadata"]["name"].get<std::string>();
  }
};

TEST_F(ApiFaultsTest, A500IsReadAgainAndAPreparedClaimIsAnsweredAtOnce) {
  claim::ClaimRef known = claim("known", "gpu-0");
  auto before = prepare(known);
  ASSERT_OK(before);
  auto reads = api.requests("GET", "resourceclaims/");
  answerWith(3, "GET", "resourceclaims/fresh", {.status = 500, .body = status(500, "InternalError")});
  EXPECT_OK(prepare(claim("fresh", "gpu-1")));
  EXPECT_EQ(api.requests("GET", "resourceclaims/"), reads + 4);

  answerWith(1, "GET", "resourceclaims/known", {.status = 500, .body = status(500, "InternalError")});
  EXPECT_THAT(prepare(known), IsOkAndHolds(*before));
  EXPECT_EQ(api.requests("GET", "resourceclaims/"), reads + 5);
  EXPECT_THAT(driverLog(), HasSubstr("answering what was prepared"));
}

TEST_F(ApiFaultsTest, A403IsRefusedNamingTheRight) {
  answerWith(1, "GET", "resourceclaims/", {.status = 403, .body = status(403, "Forbidden")});
  claim::ClaimRef ref = claim("train", "gpu-0");

  EXPECT_THAT(prepare(ref), Fails(Code::internal, AllOf(HasSubstr("403 Forbidden: said the test"),
                                                        HasSubstr("needs \"get\" on resourceclaims"))));
  EXPECT_OK(prepare(ref)) << "once it is granted";
}

TEST_F(ApiFaultsTest, A429IsFollowedByThePauseThatItAsksFor) {
  answerWith(1, "GET", "resourceclaims/",
             {.status = 429, .body = "Too many requests", .retryAfter = std::chrono::seconds(1)});
  auto reads = api.requests("GET", "resourceclaims/");
  claim::ClaimRef ref = claim("train", "gpu-0");
  auto began = clock.now();

  EXPECT_OK(prepare(ref));

  EXPECT_GE(clock.now() - began, std::chrono::seconds(1));
  EXPECT_EQ(api.requests("GET", "resourceclaims/"), reads + 2);
}

TEST_F(ApiFaultsTest, A429LongerThanTheKubeletWaitsIsAnsweredAtOnce) {
  answerWith(1, "GET", "resourceclaims/",
             {.status = 429, .body = "Too many requests", .retryAfter = std::chrono::seconds(100)});
  auto reads = api.requests("GET", "resourceclaims/");

  EXPECT_THAT(prepare(claim("train", "gpu-0")), Fails(Code::internal, HasSubstr("429 Too Many Requests")));
  EXPECT_EQ(api.requests("GET", "resourceclaims/"), reads + 1);
}

TEST_F(ApiFaultsTest, AStormOfConflictsEndsWithTheSlicesThatShouldBe) {
  ASSERT_TRUE(awaitDevices(9));
  auto before = api.requests("PUT", kSlices);
  auto lists = api.requests("GET", kSlices);
  answerWith(4, "PUT", kSlices, {.status = 409, .body = status(409, "Conflict")});
  nlohmann::json edited = slices().front();
  edited["spec"]["devices"].erase(8);
  ASSERT_OK(api.replace(pathOf(edited), edited));

  EXPECT_TRUE(awaitDevices(9)) << driverLog();
  EXPECT_EQ(slices().front()["spec"]["pool"]["generation"], 1) << "no attempt is another step";
  EXPECT_EQ(api.requests("PUT", kSlices), before + 5);
  EXPECT_GE(api.requests("GET", kSlices), lists + 4) << "each conflict is followed by a look";
}

TEST_F(ApiFaultsTest, ASliceWhoseCreationIsRefusedForAWhileAppears) {
  ASSERT_TRUE(awaitDevices(9));
  answerWith(3, "POST", kSlices, {.status = 409, .body = status(409, "AlreadyExists")});
  ASSERT_OK(api.remove(pathOf(slices().front())));

  EXPECT_TRUE(awaitDevices(9)) << driverLog();
  EXPECT_THAT(slices(), SizeIs(1));
}

TEST_F(ApiFaultsTest, AWatchThatIsTooOldBeginsAnewAndMissesNothing) {
  ASSERT_TRUE(awaitDevices(9));
  std::string first = slices().front()["metadata"]["uid"];
  auto lists = api.requests("GET", kSlices);
  ASSERT_TRUE(fakes::eventually([&] { return api.requests("WATCH", kSlices) >= 1; }));
  // What happens between the watches is told by none of them.
  std::atomic<int> refused = 0;
  api.intercept([&](const HttpRequest& request) -> std::optional<kube::HttpResponse> {
    if (!isWatch(request)) {
      return std::nullopt;
    }
    ++refused;
    return kube::HttpResponse{.status = 200, .body = ""};
  });
  // One that has just been asked for may begin only now.
  ASSERT_TRUE(fakes::eventually([&] {
    api.endWatches();
    return refused > 0;
  })) << driverLog();
  ASSERT_OK(api.remove(pathOf(slices().front())));
  api.compact();
  api.intercept({});

  EXPECT_TRUE(fakes::eventually([&] { return slices().size() == 1 && slices().front()["metadata"]["uid"] != first; },
                                std::chrono::seconds(30)))
      << driverLog();
  EXPECT_GT(api.requests("GET", kSlices), lists);
}

TEST_F(ApiFaultsTest, AWatchThatIsClosedAgainAndAgainMissesNothing) {
  ASSERT_TRUE(awaitDevices(9));
  for (int i = 0; i < 4; ++i) {
    auto watches = api.requests("WATCH", kSlices);
    // One that has just been asked for may begin only now.
    ASSERT_TRUE(fakes::eventually([&] {
      api.endWatches();
      return api.requests("WATCH", kSlices) > watches;
    })) << driverLog();
  }
  std::string first = slices().front()["metadata"]["uid"];
  api.endWatches();
  ASSERT_OK(api.remove(pathOf(slices().front())));

  EXPECT_TRUE(fakes::eventually([&] { return slices().size() == 1 && slices().front()["metadata"]["uid"] != first; }))
      << driverLog();
}

TEST_F(ApiFaultsTest, AmongThousandsOfClaimsTheLostOnesAreFoundPageByPage) {
  claim::ClaimRef first = claim("a-first", "gpu-0");
  for (int i = 0; i < 2000; ++i) {
    cluster.claim("others-" + std::to_string(i));
  }
  claim::ClaimRef last = claim("z-last", "gpu-1");
  for (const claim::ClaimRef& ref : {first, last}) {
    cluster.reserve(ref.name, "pod");
    ASSERT_OK(prepare(ref));
  }
  stop();
  std::filesystem::remove_all(cdiRoot);

  driver.emplace(startDriver({"--kube-api-qps=100", "--kube-api-burst=100"}));

  for (const claim::ClaimRef& ref : {first, last}) {
    EXPECT_TRUE(fakes::eventually([&] { return std::filesystem::exists(specOf(ref)); }, std::chrono::seconds(30)))
        << driverLog();
  }
  EXPECT_EQ(api.requests("GET", "resourceclaims?limit=500"), 5u) << "2002 claims in pages of 500";
}

}  // namespace
}  // namespace simgpu::integration
