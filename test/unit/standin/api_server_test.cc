#include "simgpu/standin/api_server.h"

#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>

#include "fakes/fake_clock.h"
#include "fakes/result_matchers.h"

namespace simgpu::standin {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kSlices = "/apis/resource.k8s.io/v1/resourceslices";

json slice(const std::string& name) {
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"driver", "gpu.example.com"},
            {"nodeName", "n"},
            {"pool", {{"name", "n"}, {"generation", 1}, {"resourceSliceCount", 1}}},
            {"devices", json::array({{{"name", "gpu-0"}, {"capacity", {{"memory", {{"value", "1024Mi"}}}}}}})}}}};
}

/// A watch whose lines a test can wait for.
class Watcher {
 public:
  Watcher(kube::Transport& transport, const std::string& query) {
    kube::HttpRequest request{.target = std::string(kSlices) + "?watch=1" + query, .deadline = {}};
    stream_ = transport.stream(request, std::chrono::seconds(60), [this] {
      std::lock_guard lock(mutex_);
      ++news_;
      changed_.notify_all();
    });
  }

  /// The next line; empty when the watch ended.
  json next() {
    while (lines_.empty() && !ended_) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, std::chrono::seconds(10), [this] { return news_ > 0; })) {
        return "nothing came";
      }
      news_ = 0;
      lock.unlock();
      auto batch = stream_->take();
      for (auto& line : batch.lines) {
        lines_.push_back(json::parse(line));
      }
      ended_ = batch.ended.has_value();
      if (batch.error) {
        refusal = batch.error;
      }
    }
    if (lines_.empty()) {
      return nullptr;
    }
    json line = lines_.front();
    lines_.erase(lines_.begin());
    return line;
  }

  std::optional<kube::HttpResponse> refusal;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int news_ = 0;
  std::vector<json> lines_;
  bool ended_ = false;
  std::unique_ptr<kube::HttpStream> stream_;
};

class ApiServerTest : public testing::Test {
 protected:
  fakes::FakeClock clock;
  ApiServer api{clock};
  std::unique_ptr<kube::Transport> transport = api.transport();
};

TEST_F(ApiServerTest, AFailureCarriesTheMessageOfTheApi) {
  EXPECT_THAT(api.get(std::string(kSlices) + "/x"),
              Fails(Code::notFound, "resourceslices.resource.k8s.io \"x\" not found"));
}

TEST_F(ApiServerTest, AnInterceptorReplacesTheAnswer) {
  api.intercept([](const kube::HttpRequest& request) -> std::optional<kube::HttpResponse> {
    return request.method == "POST" ? std::optional(kube::HttpResponse{.status = 503, .body = "no"}) : std::nullopt;
  });
  kube::HttpRequest request{.method = "POST", .target = kSlices, .body = slice("a").dump(), .deadline = {}};

  EXPECT_EQ(transport->send(request).get()->status, 503);
  EXPECT_TRUE(api.list(kSlices).empty());
}

TEST_F(ApiServerTest, RequestsAreCountedByMethodAndPath) {
  transport->send({.target = std::string(kSlices) + "/a", .deadline = {}}).get();
  transport->send({.target = std::string(kSlices) + "/b", .deadline = {}}).get();
  Watcher watcher(*transport, "");

  EXPECT_EQ(api.requests("GET", "resourceslices"), 2u);
  EXPECT_EQ(api.requests("", "/b"), 1u);
  EXPECT_EQ(api.requests("WATCH"), 1u);
}

TEST_F(ApiServerTest, AWatchThatIsRefusedTellsWhy) {
  Watcher watcher(*transport, "&fieldSelector=spec.x=y");

  EXPECT_EQ(watcher.next(), nullptr);
  ASSERT_TRUE(watcher.refusal);
  EXPECT_EQ(watcher.refusal->status, 400);
  EXPECT_THAT(watcher.refusal->body, HasSubstr("field label not supported for resource.k8s.io/v1, Kind=ResourceSlice"));
}

TEST_F(ApiServerTest, AWatchFromBeforeACompactionIsExpired) {
  auto first = api.create(kSlices, slice("a"));
  api.create(kSlices, slice("b")).value();
  api.compact();

  Watcher watcher(*transport,
                  "&resourceVersion=" + first->at("/metadata/resourceVersion"_json_pointer).get<std::string>());
  json event = watcher.next();

  EXPECT_EQ(event["type"], "ERROR");
  EXPECT_EQ(event["object"]["code"], 410);
  EXPECT_EQ(watcher.next(), nullptr);
}

TEST_F(ApiServerTest, ABookmarkComesEachMinuteOfTheClockAndBeforeTheEnd) {
  Watcher watcher(*transport, "&allowWatchBookmarks=true&timeoutSeconds=90");

  clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(watcher.next()["type"], "BOOKMARK");
  clock.advance(std::chrono::seconds(30));
  EXPECT_EQ(watcher.next()["type"], "BOOKMARK");
  EXPECT_EQ(watcher.next(), nullptr);
}

TEST_F(ApiServerTest, EndingTheWatchesEndsThem) {
  Watcher watcher(*transport, "");
  api.endWatches();
  EXPECT_EQ(watcher.next(), nullptr);
}

TEST_F(ApiServerTest, AWatchSeesWhatItSelectsComeChangeAndGo) {
  Watcher watcher(*transport, "&fieldSelector=spec.nodeName%3Dn");
  json created = api.create(kSlices, slice("a")).value();
  created["spec"]["pool"]["generation"] = 2;
  api.replace(std::string(kSlices) + "/a", created).value();
  ASSERT_OK(api.remove(std::string(kSlices) + "/a"));

  EXPECT_EQ(watcher.next()["type"], "ADDED");
  json modified = watcher.next();
  EXPECT_EQ(modified["type"], "MODIFIED");
  EXPECT_EQ(modified["object"]["metadata"]["generation"], 2);
  EXPECT_EQ(watcher.next()["type"], "DELETED");
}

}  // namespace
}  // namespace simgpu::standin
