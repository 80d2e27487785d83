#include "standin/pod_worker.h"

#include <algorithm>
#include <signal.h>
#include <utility>

#include "standin/admission.h"
#include "standin/cdi_environment.h"
#include "standin/json_access.h"
#include "standin/uri.h"

namespace simgpu::standin {

using nlohmann::json;

namespace {

constexpr auto kLookAtContainers = std::chrono::milliseconds(50);
constexpr auto kDefaultGrace = std::chrono::seconds(30);
constexpr auto kForcedGrace = std::chrono::seconds(2);
constexpr int kCannotRun = 127;

std::vector<std::string> texts(const json& list) {
  std::vector<std::string> found;
  for (const json& text : list) {
    found.push_back(text.is_string() ? text.get<std::string>() : text.dump());
  }
  return found;
}

std::string searchPath() {
  const char* path = ::getenv("PATH");
  return std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path);
}

}  // namespace

PodWorker::PodWorker(PodContext context, json pod)
    : context_(std::move(context)),
      space_(textAt(at(pod, "metadata"), "namespace")),
      name_(textAt(at(pod, "metadata"), "name")),
      uid_(textAt(at(pod, "metadata"), "uid")) {
  update(pod);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

PodWorker::~PodWorker() {
  thread_.request_stop();
  thread_.join();
}

void PodWorker::update(const json& pod) {
  std::lock_guard lock(mutex_);
  pod_ = pod;
  leaving_ = leaving_ || at(pod, "metadata").contains("deletionTimestamp");
  changed_.notify_all();
}

void PodWorker::vanish() {
  std::lock_guard lock(mutex_);
  gone_ = true;
  leaving_ = true;
  changed_.notify_all();
}

bool PodWorker::finished() const {
  std::lock_guard lock(mutex_);
  return finished_;
}

bool PodWorker::leaving() const {
  std::lock_guard lock(mutex_);
  return leaving_;
}

bool PodWorker::gone() const {
  std::lock_guard lock(mutex_);
  return gone_;
}

bool PodWorker::wait(const std::stop_token& stop, base::Clock::Duration atMost) {
  std::unique_lock lock(mutex_);
  base::Clock& clock = context_.api.clock();
  bool wasLeaving = leaving_;
  return clock.waitUntil(lock, changed_, clock.now() + atMost, stop, [&] { return leaving_ && !wasLeaving; });
}

void PodWorker::run(const std::stop_token& stop) {
  if (prepare(stop)) {
    startContainers();
    awaitContainers(stop);
    stopContainers(stop);
  }
  if (stop.stop_requested()) {
    return;
  }
  unprepare(stop);
  if (!stop.stop_requested() && !gone() && !containers_.empty()) {
    bool failed = std::ranges::any_of(containers_, &Container::failed);
    report(failed ? "Failed" : "Succeeded");
  }
  {
    std::unique_lock lock(mutex_);
    base::Clock& clock = context_.api.clock();
    clock.waitUntil(lock, changed_, base::Clock::TimePoint::max(), stop, [this] { return leaving_; });
  }
  if (!stop.stop_requested()) {
    confirmDeletion();
  }
  std::lock_guard lock(mutex_);
  finished_ = true;
}

/// False when the pod goes before it could start.
bool PodWorker::prepare(const std::stop_token& stop) {
  while (!stop.stop_requested() && !leaving()) {
    json pod;
    {
      std::lock_guard lock(mutex_);
      pod = pod_;
    }
    Status status = context_.claims.preparePod(pod);
    if (status) {
      return true;
    }
    context_.log.error(status, "Cannot start a pod", {{"pod", space_ + "/" + name_}});
    std::string message = "Failed to prepare dynamic resources: " + status.message();
    event("FailedPrepareDynamicResources", message);
    report("Pending", message);
    wait(stop, context_.options.prepareRetry);
  }
  return false;
}

void PodWorker::startContainers() {
  json pod;
  {
    std::lock_guard lock(mutex_);
    pod = pod_;
  }
  Status made = context_.files.createDirectories(context_.options.logDirectory, 0755);
  for (const json& spec : at(at(pod, "spec"), "containers")) {
    Container& container = containers_.emplace_back();
    container.name = textAt(spec, "name");
    container.image = textAt(spec, "image");
    std::vector<std::string> environment = {searchPath(), "HOSTNAME=" + name_};
    for (const json& variable : at(spec, "env")) {
      setVariable(environment, textAt(variable, "name") + "=" + textAt(variable, "value"));
    }
    auto command = texts(at(spec, "command"));
    std::ranges::copy(texts(at(spec, "args")), std::back_inserter(command));
    auto withDevices = applyCdi(context_.files, context_.options.cdiRoots, context_.claims.cdiDevices(pod, spec),
                                std::move(environment));
    auto process = made && withDevices ? ChildProcess::start(command, *withDevices, logOf(container.name))
                                       : Result<ChildProcess>(unexpected(made ? withDevices.error() : made));
    std::string now = rfc3339(context_.api.clock().wallTime());
    if (process) {
      container.process.emplace(std::move(*process));
      container.state = {{"running", {{"startedAt", now}}}};
    } else {
      container.failed = true;
      container.state = {
          {"terminated", {{"exitCode", kCannotRun}, {"reason", "StartError"}, {"message", process.error().message()}}}};
      event("Failed", "Error: " + process.error().message());
    }
  }
  report("Running");
}

void PodWorker::awaitContainers(const std::stop_token& stop) {
  bool running = true;
  while (running && !stop.stop_requested() && !leaving()) {
    running = false;
    for (Container& container : containers_) {
      if (!container.process) {
        continue;
      }
      auto exitCode = container.process->await(kLookAtContainers);
      if (!exitCode) {
        running = true;
        continue;
      }
      container.failed = *exitCode != 0;
      container.state = {{"terminated",
                          {{"exitCode", *exitCode},
                           {"reason", container.failed ? "Error" : "Completed"},
                           {"finishedAt", rfc3339(context_.api.clock().wallTime())}}}};
      container.process.reset();
    }
  }
}

void PodWorker::stopContainers(const std::stop_token& stop) {
  std::chrono::seconds grace = kDefaultGrace;
  {
    std::lock_guard lock(mutex_);
    const json& metadata = at(pod_, "metadata");
    grace = std::chrono::seconds(numberAt(metadata, "deletionGracePeriodSeconds", grace.count()));
    grace = gone_ || stop.stop_requested() ? kForcedGrace : grace;
  }
  for (Container& container : containers_) {
    if (container.process) {
      container.process->signal(SIGTERM);
    }
  }
  auto deadline = std::chrono::steady_clock::now() + grace;
  for (Container& container : containers_) {
    if (!container.process) {
      continue;
    }
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    auto exitCode = container.process->await(std::max(left, std::chrono::milliseconds(0)));
    container.failed = exitCode.value_or(128 + SIGKILL) != 0;
    container.state = {{"terminated", {{"exitCode", exitCode.value_or(128 + SIGKILL)}, {"reason", "Error"}}}};
    container.process.reset();
  }
}

void PodWorker::unprepare(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Status status = context_.claims.unpreparePod(uid_);
    if (status) {
      return;
    }
    context_.log.error(status, "Cannot end a pod", {{"pod", space_ + "/" + name_}});
    event("FailedUnprepareDynamicResources", status.message());
    wait(stop, context_.options.unprepareRetry);
  }
}

void PodWorker::confirmDeletion() {
  if (gone()) {
    return;
  }
  json options = {{"gracePeriodSeconds", 0}, {"preconditions", {{"uid", uid_}}}};
  if (Status status = context_.api.remove(target(), options); !status) {
    context_.log.error(status, "Cannot confirm the deletion of a pod", {{"pod", space_ + "/" + name_}});
  }
}

std::string PodWorker::target() const {
  return fmt::format("/api/v1/namespaces/{}/pods/{}", percentEncode(space_), percentEncode(name_));
}

std::filesystem::path PodWorker::logOf(const std::string& container) const {
  return context_.options.logDirectory / fmt::format("{}_{}_{}.log", space_, name_, container);
}

void PodWorker::report(const std::string& phase, const std::string& message) {
  json statuses = json::array();
  bool ready = phase == "Running";
  for (const Container& container : containers_) {
    bool running = container.process.has_value();
    ready = ready && running;
    statuses.push_back({{"name", container.name},
                        {"image", container.image},
                        {"imageID", ""},
                        {"ready", running},
                        {"restartCount", 0},
                        {"state", container.state}});
  }
  json condition = {{"type", "Ready"},
                    {"status", ready ? "True" : "False"},
                    {"lastTransitionTime", rfc3339(context_.api.clock().wallTime())}};
  json status = {{"phase", phase},
                 {"message", message.empty() ? json() : json(message)},
                 {"conditions", json::array({{{"type", "PodScheduled"}, {"status", "True"}}, condition})},
                 {"containerStatuses", statuses}};
  if (auto patched = context_.api.mergePatch(target() + "/status", {{"metadata", {{"uid", uid_}}}, {"status", status}});
      !patched && patched.error().code() != Code::notFound) {
    context_.log.error(patched.error(), "Cannot report the status of a pod", {{"pod", space_ + "/" + name_}});
  }
}

void PodWorker::event(const std::string& reason, const std::string& message) {
  json about = {{"apiVersion", "v1"}, {"kind", "Pod"}, {"namespace", space_}, {"name", name_}, {"uid", uid_}};
  std::string now = rfc3339(context_.api.clock().wallTime());
  json event = {{"metadata", {{"generateName", name_ + "."}}},
                {"involvedObject", about},
                {"type", "Warning"},
                {"reason", reason},
                {"message", message},
                {"source", {{"component", "kubelet"}, {"host", context_.options.nodeName}}},
                {"firstTimestamp", now},
                {"lastTimestamp", now},
                {"count", 1}};
  if (auto created = context_.api.create("/api/v1/namespaces/" + percentEncode(space_) + "/events", event); !created) {
    context_.log.error(created.error(), "Cannot write an Event", {{"pod", space_ + "/" + name_}});
  }
}

}  // namespace simgpu::standin
