#include "integration/node.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace simgpu::integration {
namespace {

std::vector<std::string> cdiIdsOf(const std::vector<standin::PreparedDevice>& devices) {
  std::vector<std::string> ids;
  for (const standin::PreparedDevice& device : devices) {
    std::ranges::copy(device.cdiDeviceIds, std::back_inserter(ids));
  }
  return ids;
}

}  // namespace

NodeTest::NodeTest() {
  startApiServer();
  std::ofstream(kubeconfig) << fmt::format(
      "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
      "clusters: [{{name: c, cluster: {{server: \"http://127.0.0.1:{}\"}}}}]\n"
      "users: [{{name: u, user: {{}}}}]\n"
      "contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
      port);
  std::filesystem::create_directories(kubeletRoot / "plugins_registry");
}

std::vector<std::string> NodeTest::driverArguments() const {
  return {"kubelet-plugin",
          "--node-name=node-a",
          "--num-devices=9",
          "--kubeconfig=" + kubeconfig.string(),
          "--cdi-root=" + cdiRoot.string(),
          "--kubelet-registrar-directory-path=" + (kubeletRoot / "plugins_registry").string(),
          "--kubelet-plugins-directory-path=" + (kubeletRoot / "plugins").string()};
}

DaemonProcess NodeTest::startDriver(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = driverArguments();
  all.insert(all.end(), arguments.begin(), arguments.end());
  return {all, {}, log};
}

std::pair<int, std::string> NodeTest::runToEnd(const std::vector<std::string>& arguments,
                                               const std::map<std::string, std::string>& environment) {
  std::filesystem::path output = root / "output";
  std::filesystem::remove(output);
  DaemonProcess process(arguments, environment, output);
  int code = process.wait().value_or(-1);
  return {code, contentOf(output)};
}

void NodeTest::startKubelet() {
  auto started = standin::Kubelet::start(
      {.nodeName = "node-a", .root = kubeletRoot, .cdiRoots = {cdiRoot}, .logDirectory = root / "pods"}, *transport,
      clock, files, base::Logger(kubeletLog, clock, {}));
  ASSERT_OK(started);
  kubelet = *std::move(started);
}

void NodeTest::startApiServer() {
  auto started = api.serve({.port = port}, {});
  ASSERT_OK(started);
  http = *std::move(started);
  port = http->port();
}

bool NodeTest::awaitDevices(std::size_t count) {
  return fakes::eventually(
      [&] {
        std::size_t devices = 0;
        std::vector<nlohmann::json> all = slices();
        for (const nlohmann::json& slice : all) {
          const nlohmann::json& spec = slice["spec"];
          if (spec["pool"]["resourceSliceCount"] != all.size()) {
            return false;
          }
          devices += spec.contains("devices") ? spec["devices"].size() : 0;
        }
        return !all.empty() && devices == count;
      },
      std::chrono::seconds(30));
}

Result<std::vector<standin::PreparedDevice>> NodeTest::prepare(const claim::ClaimRef& claim) {
  auto prepared = kubelet->prepare(kDriver, {{.space = claim.space, .uid = claim.uid, .name = claim.name}});
  if (!prepared) {
    return unexpected(prepared.error());
  }
  return prepared->at(claim.uid);
}

Status NodeTest::unprepare(const claim::ClaimRef& claim) {
  return kubelet->unprepare(kDriver, {{.space = claim.space, .uid = claim.uid, .name = claim.name}});
}

std::vector<std::string> NodeTest::environmentOf(const std::vector<standin::PreparedDevice>& devices) {
  auto environment = kubelet->environmentOf(cdiIdsOf(devices));
  EXPECT_OK(environment);
  return environment.value_or(std::vector<std::string>());
}

std::vector<cdi::Mount> NodeTest::mountsOf(const std::vector<standin::PreparedDevice>& devices) {
  auto mounts = kubelet->mountsOf(cdiIdsOf(devices));
  EXPECT_OK(mounts);
  return mounts.value_or(std::vector<cdi::Mount>());
}

std::filesystem::path NodeTest::specOf(const claim::ClaimRef& claim) const {
  return cdiRoot / ("k8s.gpu.example.com-gpu_" + claim.uid + ".yaml");
}

std::vector<std::string> NodeTest::cdiFiles() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(cdiRoot)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

}  // namespace simgpu::integration
