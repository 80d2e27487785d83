#include "simgpu/standin/kubelet.h"

#include <cstdlib>
#include <thread>
#include <unistd.h>

#include "standin/cdi_environment.h"
#include "standin/child_process.h"
#include "standin/claim_manager.h"
#include "standin/json_access.h"
#include "standin/plugin_registry.h"
#include "standin/pod_worker.h"
#include "standin/rest_client.h"
#include "standin/uri.h"

namespace simgpu::standin {

namespace {

using nlohmann::json;

constexpr auto kResync = std::chrono::seconds(1);
constexpr const char* kSlices = "/apis/resource.k8s.io/v1/resourceslices?fieldSelector=";

class LocalKubelet final : public Kubelet {
 public:
  LocalKubelet(KubeletOptions options, kube::Transport& transport, base::Clock& clock, base::Files& files,
               base::Logger log)
      : options_(std::move(options)),
        files_(files),
        log_(std::move(log)),
        api_(transport, clock),
        claims_(api_, [this](std::string_view driver) { return plugins_->find(driver); }),
        changes_(api_, {pods()}) {}

  ~LocalKubelet() override {
    thread_.request_stop();
    if (thread_.joinable()) {
      thread_.join();
    }
    workers_.clear();
  }

  Status begin() {
    auto registry = options_.root / "plugins_registry";
    if (Status status = files_.createDirectories(registry, 0755); !status) {
      return status;
    }
    auto plugins = PluginRegistry::start(registry, api_.clock(), log_);
    if (!plugins) {
      return plugins.error();
    }
    plugins_ = std::move(*plugins);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    return {};
  }

  bool awaitPlugin(std::string_view driver, bool registered) override { return plugins_->await(driver, registered); }

  Status registrationOf(const std::filesystem::path& socket) override { return plugins_->lastFailure(socket); }

  Result<std::map<std::string, std::vector<PreparedDevice>>> prepare(std::string_view driver,
                                                                     const std::vector<PluginClaim>& claims) override {
    auto plugin = plugins_->find(driver);
    if (!plugin) {
      return unexpected(Status::unavailable("DRA driver {} is not registered", driver));
    }
    return plugin->prepare(claims);
  }

  Status unprepare(std::string_view driver, const std::vector<PluginClaim>& claims) override {
    auto plugin = plugins_->find(driver);
    return plugin ? plugin->unprepare(claims) : Status::unavailable("DRA driver {} is not registered", driver);
  }

  std::map<std::string, DeviceHealth> health(std::string_view driver) override {
    auto plugin = plugins_->find(driver);
    return plugin ? plugin->health() : std::map<std::string, DeviceHealth>();
  }

  Result<std::vector<std::string>> environmentOf(const std::vector<std::string>& cdiDeviceIds) override {
    return applyCdi(files_, options_.cdiRoots, cdiDeviceIds, {});
  }

  Result<std::vector<cdi::Mount>> mountsOf(const std::vector<std::string>& cdiDeviceIds) override {
    auto edits = editsOf(files_, options_.cdiRoots, cdiDeviceIds);
    if (!edits) {
      return unexpected(edits.error());
    }
    return std::move(edits->mounts);
  }

  Result<CommandResult> run(const std::vector<std::string>& command, const std::vector<std::string>& cdiDeviceIds,
                            std::chrono::seconds timeout) override {
    const char* path = std::getenv("PATH");
    auto environment = applyCdi(files_, options_.cdiRoots, cdiDeviceIds,
                                {std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path)});
    if (!environment) {
      return unexpected(environment.error());
    }
    std::string log = (std::filesystem::temp_directory_path() / "standin-output.XXXXXX").string();
    int descriptor = ::mkstemp(log.data());
    if (descriptor < 0) {
      return unexpected(statusOfErrno(errno, "create " + log));
    }
    ::close(descriptor);
    auto result = runInto(log, command, *environment, timeout);
    Status removed = files_.remove(log);
    return removed ? result : unexpected(removed);
  }

 private:
  Result<CommandResult> runInto(const std::filesystem::path& log, const std::vector<std::string>& command,
                                const std::vector<std::string>& environment, std::chrono::seconds timeout) {
    auto process = ChildProcess::start(command, environment, log);
    if (!process) {
      return unexpected(process.error());
    }
    auto exitCode = process->await(timeout);
    if (!exitCode) {
      return unexpected(Status::deadlineExceeded("{} did not end within {} s", command[0], timeout.count()));
    }
    auto output = files_.read(log);
    if (!output) {
      return unexpected(output.error());
    }
    return CommandResult{*exitCode, std::move(*output)};
  }

  std::string pods() const { return "/api/v1/pods?fieldSelector=spec.nodeName%3D" + percentEncode(options_.nodeName); }

  void run(const std::stop_token& stop) {
    bool wiped = false;
    bool outdated = true;
    while (!stop.stop_requested()) {
      wiped = wiped || wipe("");
      wipeLost();
      outdated = changes_.await(stop, kResync) || outdated;
      if (outdated && !stop.stop_requested()) {
        outdated = !syncPods();
      }
      std::erase_if(workers_, [](const auto& entry) { return entry.second->finished(); });
    }
  }

  /// Deletes the slices of this node, of all drivers or of one, as a kubelet does that finds no driver.
  bool wipe(const std::string& driver) {
    std::string selector = "spec.nodeName=" + options_.nodeName + (driver.empty() ? "" : ",spec.driver=" + driver);
    Status status = api_.remove(kSlices + percentEncode(selector));
    if (!status) {
      log_.error(status, "Cannot delete ResourceSlices", {{"driver", driver}});
    }
    return status.ok();
  }

  void wipeLost() {
    for (const auto& [driver, since] : plugins_->lost()) {
      auto& wipedFor = wiped_[driver];
      if (wipedFor != since && api_.clock().now() - since >= options_.wipeDelay && wipe(driver)) {
        wipedFor = since;
      }
    }
  }

  /// False if the pods could not be listed.
  bool syncPods() {
    auto found = api_.list(pods());
    if (!found) {
      log_.error(found.error(), "Cannot list the pods of this node");
      return false;
    }
    std::map<std::string, json> byUid;
    for (json& pod : *found) {
      std::string uid = textAt(at(pod, "metadata"), "uid");
      byUid[uid] = std::move(pod);
    }
    for (auto& [uid, pod] : byUid) {
      std::string phase = textAt(at(pod, "status"), "phase");
      auto worker = workers_.find(uid);
      if (worker != workers_.end()) {
        worker->second->update(pod);
      } else if (phase != "Succeeded" && phase != "Failed") {
        workers_[uid] = std::make_unique<PodWorker>(PodContext{options_, api_, files_, claims_, log_}, std::move(pod));
      }
    }
    for (auto& [uid, worker] : workers_) {
      if (!byUid.contains(uid)) {
        worker->vanish();
      }
    }
    return true;
  }

  KubeletOptions options_;
  base::Files& files_;
  base::Logger log_;
  RestClient api_;
  std::unique_ptr<PluginRegistry> plugins_;
  ClaimManager claims_;
  std::map<std::string, std::unique_ptr<PodWorker>> workers_;  ///< By pod UID; of `thread_` only.
  std::map<std::string, base::Clock::TimePoint> wiped_;  ///< By driver: the loss that its slices were deleted for.
  ChangeWatch changes_;
  std::jthread thread_;
};

}  // namespace

Result<std::unique_ptr<Kubelet>> Kubelet::start(KubeletOptions options, kube::Transport& transport, base::Clock& clock,
                                                base::Files& files, base::Logger log) {
  auto kubelet = std::make_unique<LocalKubelet>(std::move(options), transport, clock, files, std::move(log));
  if (Status status = kubelet->begin(); !status) {
    return unexpected(status);
  }
  return kubelet;
}

}  // namespace simgpu::standin
