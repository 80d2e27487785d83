#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "simgpu/standin/kubelet.h"
#include "standin/child_process.h"
#include "standin/claim_manager.h"
#include "standin/rest_client.h"

namespace simgpu::standin {

/// What the worker of a pod needs of the kubelet around it.
struct PodContext {
  const KubeletOptions& options;
  RestClient& api;
  base::Files& files;
  ClaimManager& claims;
  base::Logger log;
};

/// Takes one pod through its life on a thread of its own: prepare its claims, run its containers, report, unprepare,
/// and confirm a deletion.
class PodWorker {
 public:
  PodWorker(PodContext context, nlohmann::json pod);

  /// Kills what still runs; unprepares nothing.
  ~PodWorker();

  /// The pod as the API server has it now.
  void update(const nlohmann::json& pod);

  /// The API server has no such pod any more.
  void vanish();

  /// Everything is done; the worker may be destroyed without waiting.
  bool finished() const;

 private:
  struct Container {
    std::string name;
    std::string image;
    std::optional<ChildProcess> process;
    nlohmann::json state;
    bool failed = false;
  };

  void run(const std::stop_token& stop);
  bool prepare(const std::stop_token& stop);
  void startContainers();
  void awaitContainers(const std::stop_token& stop);
  void stopContainers(const std::stop_token& stop);
  void unprepare(const std::stop_token& stop);
  void confirmDeletion();

  bool wait(const std::stop_token& stop, base::Clock::Duration atMost);
  bool leaving() const;
  bool gone() const;
  void report(const std::string& phase, const std::string& message = {});
  void event(const std::string& reason, const std::string& message);
  std::filesystem::path logOf(const std::string& container) const;
  std::string target() const;

  PodContext context_;
  std::string space_;
  std::string name_;
  std::string uid_;
  std::vector<Container> containers_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  nlohmann::json pod_;
  bool leaving_ = false;
  bool gone_ = false;
  bool finished_ = false;
  std::jthread thread_;
};

}  // namespace simgpu::standin
