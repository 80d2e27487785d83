// Claims come and go for a long time while the API server fails now and then; afterwards the driver has no more of
// anything than before.
//
// SIMGPU_SOAK_CYCLES sets for how long; hack/soak.sh runs a million.

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "integration/kubelet_calls.h"
#include "integration/node.h"

namespace simgpu::integration {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kCallers = 32;
constexpr std::size_t kUsualCycles = 10'000;
/// What a driver needs only once it works: pools of threads and memory, connections.
constexpr std::size_t kWarmUp = 2'000;
/// Among this many requests for claims the first ones fail, each time in another way.
constexpr std::size_t kFaultInterval = 1'000;
constexpr std::size_t kFaults = 40;

/// An API server that is there, but not well. Answers what it does to the n-th request.
std::optional<kube::HttpResponse> faultOf(std::size_t request) {
  static const std::array<kube::HttpResponse, 6> kAnswers = {{
      {.status = 500, .body = R"({"kind":"Status","status":"Failure","reason":"InternalError","code":500})"},
      {.status = 429, .body = "too many requests", .retryAfter = 1s},
      {.status = 200, .body = R"({"kind":"ResourceClaim","metadata":{"name":"cl)"},
      {.status = 403, .body = R"({"kind":"Status","status":"Failure","reason":"Forbidden","code":403})"},
      {.status = 503, .body = ""},
      {.status = 404, .body = R"({"kind":"Status","status":"Failure","reason":"NotFound","code":404})"},
  }};
  bool fails = request % kFaultInterval < kFaults;
  return fails ? std::optional(kAnswers[request / kFaultInterval % kAnswers.size()]) : std::nullopt;
}

std::size_t cyclesWanted() {
  const char* text = std::getenv("SIMGPU_SOAK_CYCLES");  // NOLINT(concurrency-mt-unsafe): nobody changes it
  return text == nullptr ? kUsualCycles : std::strtoull(text, nullptr, 10);
}

class SoakTest : public NodeTest {
 protected:
  SoakTest() {
    for (std::size_t i = 0; i < kCallers; ++i) {
      std::string number = std::to_string(i);
      claims.push_back(cluster.claim("claim-" + number, fakes::AllocationBuilder().device("gpu-" + number).build()));
    }
  }

  /// Each caller has a claim. All of them together prepare and unprepare `cycles` times.
  void work(KubeletCalls& calls, std::size_t cycles) {
    std::atomic<std::size_t> begun = 0;
    std::vector<std::jthread> callers;
    for (const claim::ClaimRef& claim : claims) {
      callers.emplace_back([this, &calls, &claim, &begun, cycles] {
        while (begun++ < cycles && !HasFailure()) {
          cycle(calls, claim);
        }
      });
    }
  }

  void cycle(KubeletCalls& calls, const claim::ClaimRef& claim) {
    auto devices = calls.prepare(claim);
    for (int tries = 1; !devices && tries < 100; ++tries) {  // as the kubelet, but without its pause
      ++refusals;
      devices = calls.prepare(claim);
    }
    ASSERT_OK(devices);
    ASSERT_EQ(devices->size(), 1u);
    ASSERT_OK(calls.unprepare(claim));
  }

  std::size_t filesUnder(const std::filesystem::path& directory) const {
    return static_cast<std::size_t>(std::ranges::distance(std::filesystem::recursive_directory_iterator(directory)));
  }

  std::vector<claim::ClaimRef> claims;
  std::atomic<std::size_t> requests = 0;
  std::atomic<std::size_t> refusals = 0;
};

TEST_F(SoakTest, WhatComesAndGoesLeavesNothingBehind) {
  const std::size_t cycles = cyclesWanted();
  if (cycles > kUsualCycles) {
    log = "/dev/null";  // it would be as large as a disk
  }
  DaemonProcess driver = startDriver({"--num-devices=32", "--device-metadata"});
  ASSERT_TRUE(awaitDevices(32)) << driverLog();
  KubeletCalls calls(kubeletRoot / "plugins" / kDriver / "dra.sock");
  work(calls, kWarmUp);
  const ProcessUse before = useOf(driver.pid());
  const std::size_t filesBefore = filesUnder(cdiRoot) + filesUnder(kubeletRoot);
  api.intercept([this](const kube::HttpRequest& request) {
    bool ofClaim = request.target.find("/resourceclaims/") != std::string::npos;
    return ofClaim ? faultOf(requests++) : std::nullopt;
  });

  constexpr std::size_t kParts = 10;
  for (std::size_t part = 0; part < kParts && !HasFailure(); ++part) {
    auto began = std::chrono::steady_clock::now();
    work(calls, cycles / kParts);
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::cout << fmt::format("{} cycles: {}; {:.0f} cycles/s\n", (part + 1) * (cycles / kParts),
                             useOf(driver.pid()).text(), static_cast<double>(cycles / kParts) / took.count())
              << std::flush;  // somebody may be waiting for hours
    http->closeConnections();
  }
  ASSERT_FALSE(HasFailure()) << driverLog();

  ProcessUse after;
  EXPECT_TRUE(fakes::eventually([&] {
    after = useOf(driver.pid());
    return after.threads <= before.threads;
  })) << "before: "
      << before.text() << "; after: " << after.text();
  // Some of the connections to the API server are kept, as many as there were calls at once.
  EXPECT_LE(after.descriptors, before.descriptors + kCallers) << before.descriptors;
  EXPECT_LE(after.residentKiB, before.residentKiB + 8 * 1024) << before.residentKiB;
  EXPECT_EQ(filesUnder(cdiRoot) + filesUnder(kubeletRoot), filesBefore);
  EXPECT_THAT(cdiFiles(), testing::IsEmpty());
  EXPECT_GT(refusals, 0u) << "or nothing has failed";
  std::cout << fmt::format("before: {}; after: {}; {} answers to Prepare were failures\n", before.text(), after.text(),
                           refusals.load());
}

}  // namespace
}  // namespace simgpu::integration
