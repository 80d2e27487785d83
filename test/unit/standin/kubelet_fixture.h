#pragma once

#include <fstream>
#include <functional>
#include <stdlib.h>
#include <thread>

#include <gmock/gmock.h>

#include "fakes/eventually.h"
#include "fakes/result_matchers.h"
#include "fakes/temporary_directory.h"
#include "simgpu/standin/api_server.h"
#include "simgpu/standin/kubelet.h"
#include "unit/standin/test_plugin.h"

namespace simgpu::standin {

using fakes::eventually;

/// A kubelet of node `node-a` in a directory of its own, with an API server beside it.
class KubeletFixture : public testing::Test {
 protected:
  KubeletFixture() {
    options.nodeName = "node-a";
    options.root = directory;
    options.cdiRoots = {directory / "cdi"};
    options.logDirectory = directory / "logs";
    options.prepareRetry = std::chrono::milliseconds(50);
    options.unprepareRetry = std::chrono::milliseconds(50);
    for (const char* each : {"cdi", "plugins_registry"}) {
      std::filesystem::create_directories(directory / each);
    }
  }

  ~KubeletFixture() override {
    plugin.reset();
    kubelet.reset();
  }

  void startKubelet() { kubelet = Kubelet::start(options, *transport, clock, files, {}).value(); }

  void startPlugin(TestPlugin::Options pluginOptions = {}) {
    plugin = std::make_unique<TestPlugin>(directory, directory / "plugins_registry", std::move(pluginOptions));
  }

  void write(const std::string& file, const std::string& content) { std::ofstream(directory / file) << content; }

  fakes::TemporaryDirectory temporary;
  std::filesystem::path directory = temporary.path();
  base::SystemClock clock;
  base::PosixFiles files;
  ApiServer api{clock};
  std::unique_ptr<kube::Transport> transport = api.transport();
  KubeletOptions options;
  std::unique_ptr<Kubelet> kubelet;
  std::unique_ptr<TestPlugin> plugin;
};

}  // namespace simgpu::standin
