#pragma once

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string_view>
#include <utility>

#include "integration/node.h"

namespace simgpu::integration {

/// A node on which the driver runs, and the kubelet has registered it.
class RunningNodeTest : public NodeTest {
 protected:
  void SetUp() override {
    startKubelet();
    run();
  }

  /// Starts the driver, and waits until it answers the kubelet.
  void run(const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> all = {"-v=2"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    driver.emplace(startDriver(all));
    awaitAnswer();
  }

  /// A killed driver leaves its socket, so the kubelet may not have seen it go: waits for an answer.
  void awaitAnswer() {
    ASSERT_TRUE(kubelet->awaitPlugin(kDriver)) << driverLog();
    ASSERT_TRUE(fakes::eventually([&] { return unprepare({.space = "x", .name = "x", .uid = "none"}).ok(); }))
        << driverLog();
  }

  void stop(int signal = SIGTERM) {
    driver->signal(signal);
    ASSERT_TRUE(driver->wait());
  }

  void restart(const std::vector<std::string>& arguments = {}) {
    stop();
    run(arguments);
  }

  claim::ClaimRef claim(std::string_view name, std::string_view device) {
    return cluster.claim(name, fakes::AllocationBuilder().device(device).build());
  }

  /// Whether the driver's log has these words, now or soon.
  bool logs(std::string_view words) {
    return fakes::eventually([&] { return driverLog().find(words) != std::string::npos; }, std::chrono::seconds(30));
  }

  /// Whether there is an Event of this reason on a claim, now or soon.
  bool tells(std::string_view reason) {
    return fakes::eventually([&] {
      auto events = api.list("/api/v1/namespaces/team-a/events");
      return std::ranges::any_of(events, [&](const auto& event) { return event["reason"] == reason; });
    });
  }

  static void put(const std::filesystem::path& file, std::string_view content) { std::ofstream(file) << content; }

  std::optional<DaemonProcess> driver;
};

}  // namespace simgpu::integration
