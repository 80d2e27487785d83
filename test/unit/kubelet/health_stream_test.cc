#include <future>

#include <gmock/gmock.h>

#include "fakes/fake_clock.h"
#include "kubelet/drahealth/v1/api.grpc.pb.h"
#include "kubelet/drahealth/v1alpha1/api.grpc.pb.h"
#include "kubelet/health_feed.h"
#include "plugin_fixture.h"

namespace simgpu::kubelet {
namespace {

using testing::AnyOf;
using testing::SizeIs;
using namespace std::chrono_literals;

/// A client of the stream.
template <typename Api>
class Watch {
 public:
  explicit Watch(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(Api::DRAResourceHealth::NewStub(channel)), reader_(stub_->NodeWatchResources(&call_, {})) {}
  ~Watch() {
    if (reader_) {
      finish();
    }
  }

  /// Empty at the end of the stream.
  std::optional<typename Api::Response> next() {
    typename Api::Response response;
    return reader_->Read(&response) ? std::optional(response) : std::nullopt;
  }

  grpc::Status finish() {
    call_.TryCancel();
    return end();
  }

  grpc::Status end() {
    typename Api::Response ignored;
    while (reader_->Read(&ignored)) {
    }
    auto reader = std::move(reader_);
    return reader->Finish();
  }

 private:
  Call call_;
  std::unique_ptr<typename Api::DRAResourceHealth::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<typename Api::Response>> reader_;
};

struct V1 {
  using DRAResourceHealth = v1::DRAResourceHealth;
  using Response = v1::NodeWatchResourcesResponse;
};
struct V1Alpha1 {
  using DRAResourceHealth = v1alpha1::DRAResourceHealth;
  using Response = v1alpha1::NodeWatchResourcesResponse;
};

class HealthStreamTest : public PluginTest {
 protected:
  void serve() {
    auto started = start(options(), &clock);
    ASSERT_OK(started);
    plugin = std::move(*started);
  }

  std::shared_ptr<grpc::Channel> channel() { return dial(plugin->draSocket()); }

  /// Lets the next report come due once the feed waits for it.
  void advanceToNextReport() {
    ASSERT_TRUE(clock.awaitWaiters(1, 10s));
    clock.advance(10s);
  }

  std::int64_t unixSeconds() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock.wallTime().time_since_epoch()).count();
  }

  fakes::FakeClock clock;
  std::unique_ptr<Plugin> plugin;
};

TEST_F(HealthStreamTest, TheFirstReportComesAtOnceWithEveryDeviceAndField) {
  devices = [] { return std::vector<DeviceId>{{"node-a", "gpu-0"}, {"node-a", "gpu-1"}}; };
  serve();
  Watch<V1> watch(channel());
  auto report = watch.next();
  ASSERT_TRUE(report);
  ASSERT_THAT(report->devices(), SizeIs(2));
  const auto& device = report->devices(1);
  EXPECT_EQ(device.device().pool_name(), "node-a");
  EXPECT_EQ(device.device().device_name(), "gpu-1");
  EXPECT_EQ(device.health(), v1::HEALTHY);
  EXPECT_EQ(device.last_updated_time(), unixSeconds());
  EXPECT_EQ(device.health_check_timeout_seconds(), 30);
  EXPECT_EQ(device.message(), "");
}

TEST_F(HealthStreamTest, V1Alpha1ReportsTheSame) {
  devices = [] { return std::vector<DeviceId>{{"node-a", "gpu-0"}}; };
  serve();
  Watch<V1Alpha1> watch(channel());
  auto report = watch.next();
  ASSERT_TRUE(report);
  ASSERT_THAT(report->devices(), SizeIs(1));
  EXPECT_EQ(report->devices(0).device().device_name(), "gpu-0");
  EXPECT_EQ(report->devices(0).health(), v1alpha1::HEALTHY);
  EXPECT_EQ(report->devices(0).health_check_timeout_seconds(), 30);
}

TEST_F(HealthStreamTest, ReportsAreRepeatedEveryTenSecondsWithTheDevicesOfTheTime) {
  std::atomic<int> asked = 0;
  devices = [&] { return std::vector<DeviceId>(static_cast<std::size_t>(++asked), {"node-a", "gpu"}); };
  serve();
  Watch<V1> watch(channel());
  ASSERT_THAT(watch.next()->devices(), SizeIs(1));
  advanceToNextReport();
  auto second = watch.next();
  ASSERT_TRUE(second);
  EXPECT_THAT(second->devices(), SizeIs(2));
  EXPECT_EQ(second->devices(0).last_updated_time(), unixSeconds());
  advanceToNextReport();
  EXPECT_THAT(watch.next()->devices(), SizeIs(3));
}

TEST_F(HealthStreamTest, ANewWatcherDoesNotShiftTheReportsOfTheOthers) {
  serve();
  Watch<V1> first(channel());
  ASSERT_TRUE(first.next());
  ASSERT_TRUE(clock.awaitWaiters(1, 10s));
  clock.advance(6s);
  Watch<V1> second(channel());
  ASSERT_TRUE(second.next());
  ASSERT_TRUE(clock.awaitWaiters(1, 4s));
  clock.advance(4s);
  EXPECT_TRUE(first.next());
  EXPECT_TRUE(second.next());
}

TEST_F(HealthStreamTest, NothingWakesUpWhileNobodyWatches) {
  std::atomic<int> asked = 0;
  devices = [&] {
    ++asked;
    return std::vector<DeviceId>();
  };
  serve();
  ASSERT_TRUE(clock.awaitWaiters(1)) << "the feed waits, without a deadline";
  clock.advance(1h);
  EXPECT_EQ(asked, 0);
  {
    Watch<V1> watch(channel());
    ASSERT_TRUE(watch.next());
  }
  EXPECT_EQ(asked, 1);
}

TEST_F(HealthStreamTest, AReaderThatDoesNotReadDelaysNobodyAndHoldsUpNoShutdown) {
  devices = [] { return std::vector<DeviceId>(2000, {"a-pool-with-a-long-name", "a-device-with-a-long-name"}); };
  serve();
  Watch<V1> lazy(channel());
  Watch<V1> keen(channel());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(keen.next());
    advanceToNextReport();
  }
  auto before = std::chrono::steady_clock::now();
  plugin.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 8s);
}

TEST_F(HealthStreamTest, StreamsEndWithThePlugin) {
  serve();
  Watch<V1> v1(channel());
  Watch<V1Alpha1> v1alpha1(channel());
  ASSERT_TRUE(v1.next());
  ASSERT_TRUE(v1alpha1.next());
  auto before = std::chrono::steady_clock::now();
  plugin.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 8s) << "an idle stream is no reason to wait";
  // Cancelled if the last report was on its way still.
  auto ended = AnyOf(grpc::StatusCode::OK, grpc::StatusCode::CANCELLED);
  EXPECT_THAT(v1.end().error_code(), ended);
  EXPECT_THAT(v1alpha1.end().error_code(), ended);
}

TEST_F(HealthStreamTest, StreamsBeyondTheLimitAreRefusedUntilOneEnds) {
  serve();
  std::vector<std::unique_ptr<Watch<V1>>> watches;
  for (std::size_t i = 0; i < HealthFeed::kMaxWatchers; ++i) {
    watches.push_back(std::make_unique<Watch<V1>>(channel()));
    ASSERT_TRUE(watches.back()->next());
  }
  Watch<V1> tooMany(channel());
  EXPECT_FALSE(tooMany.next());
  EXPECT_EQ(tooMany.end().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);

  watches.pop_back();
  EXPECT_TRUE(eventually([&] { return Watch<V1>(channel()).next().has_value(); }));
}

TEST_F(HealthStreamTest, ADriverThatCannotTellLosesOneReportOnly) {
  std::atomic<int> asked = 0;
  devices = [&]() -> std::vector<DeviceId> {
    if (++asked == 1) {
      throw std::runtime_error("out of cheese");
    }
    return {{"node-a", "gpu-0"}};
  };
  serve();
  Watch<V1> watch(channel());
  ASSERT_TRUE(eventually([&] { return logged.count("out of cheese") == 1; }));
  advanceToNextReport();
  auto report = watch.next();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->devices(), SizeIs(1));
}

}  // namespace
}  // namespace simgpu::kubelet
