// Too many calls at once, and an end while calls are under way.

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include <grpcpp/grpcpp.h>

#include "integration/kubelet_calls.h"
#include "integration/node.h"
#include "kubelet/dra/v1/api.grpc.pb.h"

namespace simgpu::integration {
namespace {

namespace dra = k8s::io::kubelet::pkg::apis::dra::v1;
using testing::HasSubstr;
using testing::IsEmpty;

/// An API server that takes the requests for some claims and answers when it is let.
class Hang {
 public:
  Hang(standin::ApiServer& server, std::string part) {
    server.intercept([door = door_, part = std::move(part)](const kube::HttpRequest& request) {
      if (request.target.find(part) != std::string::npos) {
        std::unique_lock lock(door->mutex);
        ++door->waiting;
        door->changed.wait(lock, [&] { return door->open; });
        --door->waiting;
      }
      return std::optional<kube::HttpResponse>();
    });
  }
  Hang(const Hang&) = delete;
  Hang& operator=(const Hang&) = delete;
  ~Hang() { end(); }

  void end() {
    std::lock_guard guard(door_->mutex);
    door_->open = true;
    door_->changed.notify_all();
  }

  std::size_t waiting() const {
    std::lock_guard guard(door_->mutex);
    return door_->waiting;
  }

 private:
  struct Door {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t waiting = 0;
    bool open = false;
  };

  /// Also of the server, whose threads go on for a moment when the test is over.
  const std::shared_ptr<Door> door_ = std::make_shared<Door>();
};

/// Prepares that nobody waits for yet.
class Burst {
 public:
  explicit Burst(const std::filesystem::path& draSocket) {
    for (int i = 0; i < 4; ++i) {  // a connection carries 1024 calls at a time
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stubs_.push_back(dra::DRAPlugin::NewStub(
          grpc::CreateCustomChannel("unix:" + draSocket.native(), grpc::InsecureChannelCredentials(), arguments)));
    }
  }
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;
  ~Burst() {
    for (auto& call : calls_) {
      call->context.TryCancel();
    }
    awaitAll();
  }

  void prepare(const claim::ClaimRef& claim) {
    Call& call = *calls_.emplace_back(std::make_unique<Call>());
    call.context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(45));
    auto* entry = call.request.add_claims();
    entry->set_namespace_(claim.space);
    entry->set_name(claim.name);
    entry->set_uid(claim.uid);
    stubs_[calls_.size() % stubs_.size()]->async()->NodePrepareResources(
        &call.context, &call.request, &call.response, [this, &call](const grpc::Status& status) {
          bool failed = std::ranges::any_of(call.response.claims(),
                                            [](const auto& answer) { return !answer.second.error().empty(); });
          std::lock_guard guard(mutex_);
          ++ended_[failed ? grpc::StatusCode::UNKNOWN : status.error_code()];
          changed_.notify_all();
        });
  }

  /// How many calls have ended with this; UNKNOWN: the driver answered that the claim failed.
  std::size_t ended(grpc::StatusCode code) {
    std::lock_guard guard(mutex_);
    return ended_[code];
  }

  void awaitAll() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] {
      std::size_t sum = 0;
      for (const auto& [code, count] : ended_) {
        sum += count;
      }
      return sum == calls_.size();
    });
  }

 private:
  struct Call {
    grpc::ClientContext context;
    dra::NodePrepareResourcesRequest request;
    dra::NodePrepareResourcesResponse response;
  };

  std::vector<std::unique_ptr<dra::DRAPlugin::Stub>> stubs_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<grpc::StatusCode, std::size_t> ended_;
};

class LimitsTest : public NodeTest {
 protected:
  claim::ClaimRef claim(const std::string& name, int gpu) {
    return cluster.claim(name, fakes::AllocationBuilder().device("gpu-" + std::to_string(gpu)).build());
  }

  const std::filesystem::path socket = kubeletRoot / "plugins" / kDriver / "dra.sock";
};

TEST_F(LimitsTest, CallsThatAnApiServerLetsHangAreBoundedAndSoIsMemory) {
  constexpr std::size_t kRunning = 256;
  constexpr std::size_t kWaiting = 1024;
  constexpr std::size_t kTooMany = 1720;
  constexpr std::size_t kSpareThreads = 32;  // gRPC keeps a few
  stopApiServer();
  http = *api.serve({.port = port, .maxConnections = 128}, {});  // the driver has 64 requests under way, and watches
  DaemonProcess driver = startDriver();
  ASSERT_TRUE(awaitDevices(9)) << driverLog();
  std::vector<claim::ClaimRef> claims;
  for (int i = 0; i < 9; ++i) {
    claims.push_back(claim("claim-" + std::to_string(i), i));
  }
  const ProcessUse before = useOf(driver.pid());
  Hang hang(api, "/resourceclaims/");
  Burst burst(socket);

  for (std::size_t i = 0; i < kRunning + kWaiting + kTooMany; ++i) {
    burst.prepare(claims[i % claims.size()]);
  }

  EXPECT_TRUE(fakes::eventually([&] { return burst.ended(grpc::StatusCode::RESOURCE_EXHAUSTED) == kTooMany; },
                                std::chrono::seconds(30)))
      << burst.ended(grpc::StatusCode::RESOURCE_EXHAUSTED);
  ProcessUse full;
  EXPECT_TRUE(fakes::eventually([&] {
    full = useOf(driver.pid());  // the threads of refused calls are about to end
    return full.threads <= before.threads + kRunning + kWaiting + kSpareThreads;
  })) << full.text();
  EXPECT_LE(full.residentKiB, before.residentKiB + 128 * 1024) << before.residentKiB;
  EXPECT_OK(KubeletCalls(socket).unprepare(claim("another", 0))) << "it never waits";

  hang.end();
  burst.awaitAll();
  EXPECT_EQ(burst.ended(grpc::StatusCode::OK), kRunning + kWaiting);
  ProcessUse after;
  EXPECT_TRUE(fakes::eventually([&] {
    after = useOf(driver.pid());
    return after.threads <= before.threads + kSpareThreads;
  })) << after.text();
  std::cout << fmt::format("before: {}; full: {}; after: {}\n", before.text(), full.text(), after.text());
}

TEST_F(LimitsTest, AnEndUnderLoadFinishesWhatRunsAndAnswersUnavailableToTheRest) {
  DaemonProcess driver = startDriver();
  ASSERT_TRUE(awaitDevices(9)) << driverLog();
  claim::ClaimRef hanging = claim("hanging", 8);
  std::vector<claim::ClaimRef> claims;
  for (int i = 0; i < 8; ++i) {
    claims.push_back(claim("claim-" + std::to_string(i), i));
  }
  Hang hang(api, "/resourceclaims/hanging");
  KubeletCalls calls(socket);
  std::atomic<std::size_t> answers = 0;
  std::vector<std::future<std::pair<bool, std::string>>>
      callers;  // whether it is prepared, and how the last call ended
  for (const claim::ClaimRef& claim : claims) {
    callers.push_back(std::async(std::launch::async, [&calls, &claim, &answers] {
      for (bool prepared = false;; prepared = !prepared, ++answers) {
        Status ended = prepared ? calls.unprepare(claim) : statusOf(calls.prepare(claim));
        if (!ended) {
          return std::pair(prepared, ended.message());
        }
      }
    }));
  }
  auto stuck = std::async(std::launch::async, [&] { return statusOf(calls.prepare(hanging)); });
  ASSERT_TRUE(fakes::eventually([&] { return answers > 50 && hang.waiting() == 1; }));

  driver.signal(SIGTERM);

  EXPECT_THAT(stuck.get(),
              Fails(Code::unavailable, HasSubstr("code = Unavailable desc = the driver is shutting down")));
  for (std::size_t i = 0; i < claims.size(); ++i) {
    auto [prepared, ended] = callers[i].get();
    // CANCELLED is what gRPC says itself of a call that had arrived but not begun.
    EXPECT_THAT(ended, testing::AnyOf(HasSubstr("code = Unavailable"), HasSubstr("code = Canceled desc = CANCELLED")));
    EXPECT_EQ(std::filesystem::exists(specOf(claims[i])), prepared) << "what was answered is true, the rest is not";
  }
  EXPECT_EQ(driver.wait(), 0) << driverLog();
  EXPECT_FALSE(std::filesystem::exists(specOf(hanging)));
  EXPECT_FALSE(std::filesystem::exists(socket));
}

}  // namespace
}  // namespace simgpu::integration
