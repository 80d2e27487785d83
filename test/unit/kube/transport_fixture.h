#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"
#include "simgpu/kube/curl_transport.h"
#include "unit/kube/scripted_server.h"

namespace simgpu::kube {

/// A transport on the machine's clock, and files in memory.
class TransportTest : public testing::Test {
 protected:
  void open(const std::string& server, std::size_t maxInFlight = 64) {
    config.server = server;
    config.origin = "/kubeconfig";
    config.noProxy = config.proxyUrl.empty();
    auto made = makeCurlTransport(config, {.userAgent = "simgpu-test/1", .maxInFlight = maxInFlight}, clock, files, {});
    ASSERT_OK(made);
    transport = *std::move(made);
  }

  HttpRequest get(const std::string& target, std::chrono::milliseconds within = std::chrono::seconds(20)) const {
    HttpRequest request;
    request.target = target;
    request.deadline = clock.now() + within;
    return request;
  }

  Result<HttpResponse> fetch(const std::string& target,
                             std::chrono::milliseconds within = std::chrono::seconds(20)) const {
    return transport->send(get(target, within)).get();
  }

  base::SystemClock clock;
  fakes::FakeFiles files;
  Config config;
  std::unique_ptr<Transport> transport;
};

}  // namespace simgpu::kube
