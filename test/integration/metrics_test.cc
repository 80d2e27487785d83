// What the real program serves on --metrics-port: that docs/metrics.md tells it, and what a claim costs.

#include <csignal>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "integration/running_node.h"
#include "simgpu/kube/curl_transport.h"

namespace simgpu::integration {
namespace {

using fakes::AllocationBuilder;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Pair;
using testing::StartsWith;

/// Samples by name and labels, as they are written.
using Samples = std::map<std::string, double>;

/// A metric as the text or the documents describe it.
struct Description {
  std::string type;
  std::set<std::string> labels;

  bool operator==(const Description&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Description& description) {
    out << description.type;
    for (const std::string& label : description.labels) {
      out << ' ' << label;
    }
    return out;
  }
};

std::set<std::string> allMatches(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    found.insert((*match)[1]);
  }
  return found;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::map<std::string, Description> servedMetrics(const std::string& text) {
  static const std::regex kType("# TYPE (\\S+) (\\S+)");
  static const std::regex kLabel("[{,]([a-z_]+)=\"");
  std::map<std::string, Description> metrics;
  Description* current = nullptr;
  for (const std::string& line : linesOf(text)) {
    std::smatch match;
    if (std::regex_match(line, match, kType)) {
      current = &metrics[match[1]];
      current->type = match[2];
    } else if (!line.starts_with('#')) {
      current->labels.merge(allMatches(line, kLabel));
      current->labels.erase("le");
    }
  }
  return metrics;
}

std::map<std::string, Description> documentedMetrics() {
  static const std::regex kRow("\\| `([a-z0-9_]+)` \\| (counter|gauge|histogram) \\| ([^|]*) \\| .*");
  static const std::regex kName("`([^`]+)`");
  std::map<std::string, Description> metrics;
  for (const std::string& line : linesOf(contentOf(std::string(SIMGPU_SOURCE_DIR) + "/docs/metrics.md"))) {
    std::smatch match;
    if (std::regex_match(line, match, kRow)) {
      metrics[match[1]] = {.type = match[2], .labels = allMatches(match[3], kName)};
    }
  }
  return metrics;
}

class MetricsTest : public RunningNodeTest {
 protected:
  void SetUp() override { startKubelet(); }

  void start() {
    std::filesystem::remove(log);
    driver.reset();
    driver.emplace(startDriver({"--metrics-port=0"}));
    awaitAnswer();
    ASSERT_TRUE(awaitDevices(9)) << driverLog();
    std::smatch match;
    std::string text = driverLog();
    ASSERT_TRUE(std::regex_search(text, match, std::regex("Serving metrics\" port=([0-9]+)"))) << text;
    kube::Config config;
    config.server = "http://127.0.0.1:" + match[1].str();
    config.noProxy = true;
    auto made = kube::makeCurlTransport(config, {.userAgent = "test"}, clock, files, {});
    ASSERT_OK(made);
    scraper = *std::move(made);
  }

  kube::HttpResponse get(const std::string& target, const std::string& method = "GET") {
    auto response =
        scraper
            ->send({.method = method, .target = target, .body = "", .deadline = clock.now() + std::chrono::seconds(20)})
            .get();
    EXPECT_OK(response);
    return response.value_or(kube::HttpResponse());
  }

  std::string text() { return get("/metrics").body; }

  Samples samples() {
    Samples found;
    for (const std::string& line : linesOf(text())) {
      if (auto space = line.rfind(' '); !line.starts_with('#') && space != std::string::npos) {
        found[line.substr(0, space)] = std::stod(line.substr(space + 1));
      }
    }
    return found;
  }

  /// Requests to the API server about anything but what is published.
  static double requests(const Samples& samples) {
    double sum = 0;
    for (const auto& [name, value] : samples) {
      bool publishing = name.find("resource=\"resourceslices\"") != std::string::npos ||
                        name.find("resource=\"nodes\"") != std::string::npos;
      sum += name.starts_with("dra_sim_gpu_api_requests_total{") && !publishing ? value : 0;
    }
    return sum;
  }

  claim::ClaimRef claim(std::string_view name, std::string_view device) {
    return cluster.claim(name, AllocationBuilder().device(device).build());
  }

  static constexpr const char* kReads =
      "dra_sim_gpu_api_requests_total{verb=\"get\",resource=\"resourceclaims\",code=\"200\"}";
  static constexpr const char* kWrites = "dra_sim_gpu_cdi_spec_writes_total";
  static constexpr const char* kRemovals = "dra_sim_gpu_cdi_spec_removals_total";

  std::unique_ptr<kube::Transport> scraper;
};

TEST_F(MetricsTest, APortInUseIsNamedAndExitCodeOne) {
  std::vector<std::string> arguments = driverArguments();
  arguments.push_back("--metrics-port=" + std::to_string(port));  // the API server has it
  EXPECT_THAT(runToEnd(arguments),
              Pair(1, HasSubstr("Error: start metrics server: listen on any address, port " + std::to_string(port))));
}

TEST_F(MetricsTest, OtherPathsAndMethodsAreRefused) {
  start();
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/metrics", "DELETE").status, 405);
}

TEST_F(MetricsTest, TheTableInTheDocumentsIsWhatIsServed) {
  start();
  claim::ClaimRef train = claim("train", "gpu-1");
  ASSERT_OK(prepare(train));
  ASSERT_OK(unprepare(train));

  EXPECT_EQ(servedMetrics(text()), documentedMetrics());
}

TEST_F(MetricsTest, APrepareIsOneReadAndOneFileAndAnUnprepareIsNoRequestAtAll) {
  start();
  claim::ClaimRef train = claim("train", "gpu-1");
  Samples idle = samples();

  ASSERT_OK(prepare(train));
  Samples prepared = samples();
  EXPECT_EQ(prepared[kReads] - idle[kReads], 1);
  EXPECT_EQ(requests(prepared) - requests(idle), 1);
  EXPECT_EQ(prepared[kWrites] - idle[kWrites], 1);
  EXPECT_EQ(prepared[kRemovals] - idle[kRemovals], 0);

  ASSERT_OK(prepare(train));
  Samples again = samples();
  EXPECT_EQ(requests(again) - requests(prepared), 1);
  EXPECT_EQ(again[kWrites], prepared[kWrites]);

  ASSERT_OK(unprepare(train));
  ASSERT_OK(unprepare(train));
  Samples unprepared = samples();
  EXPECT_EQ(requests(unprepared), requests(again));
  EXPECT_EQ(unprepared[kWrites], again[kWrites]);
  EXPECT_EQ(unprepared[kRemovals] - again[kRemovals], 1);
}

TEST_F(MetricsTest, GaugesTellWhatIsThereAlsoAfterACrash) {
  start();
  ASSERT_OK(prepare(claim("train", "gpu-1")));
  ASSERT_OK(prepare(claim("serve", "gpu-2")));
  EXPECT_THAT(samples(),
              IsSupersetOf({std::pair<const std::string, double>("dra_sim_gpu_prepared_claims", 2),
                            {"dra_sim_gpu_published_devices{driver=\"gpu.example.com\",pool=\"node-a\"}", 9},
                            {"dra_sim_gpu_published_slices{driver=\"gpu.example.com\",pool=\"node-a\"}", 1},
                            {"dra_sim_gpu_pool_generation{driver=\"gpu.example.com\",pool=\"node-a\"}", 1}}));

  driver->signal(SIGKILL);
  ASSERT_TRUE(driver->wait());
  start();
  EXPECT_EQ(samples()["dra_sim_gpu_prepared_claims"], 2);
}

TEST_F(MetricsTest, AClaimThatIsRefusedIsAnErrorOfTheClaimAndNotOfTheCall) {
  start();
  EXPECT_FALSE(prepare(claim("wrong", "gpu-99")));

  Samples after = samples();
  EXPECT_EQ(after["dra_example_driver_prepare_claims_total{result=\"error\"}"], 1);
  EXPECT_EQ(after["dra_example_driver_prepare_claims_total{result=\"success\"}"], 0);
  EXPECT_EQ(after["dra_example_driver_prepare_claim_duration_seconds_count{result=\"error\"}"], 1);
  EXPECT_EQ(after["dra_sim_gpu_rpc_duration_seconds_count{method=\"v1.DRAPlugin/NodePrepareResources\",code=\"OK\"}"],
            1);
}

}  // namespace
}  // namespace simgpu::integration
