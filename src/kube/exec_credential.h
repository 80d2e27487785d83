#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "kube/process.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/result.h"
#include "simgpu/kube/config.h"

namespace simgpu::kube {

/// What a credential plugin answered (`client.authentication.k8s.io ExecCredential`, `status`).
struct PluginAnswer {
  std::string token;
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM
  std::optional<base::Clock::WallTime> expiry;

  bool operator==(const PluginAnswer&) const = default;
};

/// The text of KUBERNETES_EXEC_INFO. `authority` is the PEM of the cluster's CA, for a plugin that wants to know.
std::string execInfo(const Config& config, const std::string& authority);

/// What a plugin wrote. No part of it is ever in a message.
Result<PluginAnswer> pluginAnswerFrom(const std::string& output, const std::string& apiVersion);

/// A credential plugin, run in a thread of its own when its credential is needed, has expired or was refused. A failure
/// is kept for some seconds, so that a broken plugin is not run for each request. Safe to use from several threads.
class ExecCredential {
 public:
  /// `ready` is called from another thread when a run has ended.
  ExecCredential(ExecPlugin plugin, std::string info, ProcessRunner& runner, base::Clock& clock,
                 std::function<void()> ready);

  /// Kills a plugin that is running.
  ~ExecCredential() = default;

  /// The credential, or why there is none; nullopt while the plugin runs.
  std::optional<Result<PluginAnswer>> current();

  /// The server refused the credential: run the plugin again.
  void refuse();

 private:
  /// Whether the last answer can be used without running the plugin.
  bool usable() const;
  void run(const std::stop_token& stop);

  const ExecPlugin plugin_;
  const std::string info_;
  ProcessRunner& runner_;
  base::Clock& clock_;
  const std::function<void()> ready_;

  std::mutex mutex_;
  std::optional<Result<PluginAnswer>> answer_;
  base::Clock::TimePoint failedAt_{};
  bool running_ = false;
  std::jthread thread_;
};

}  // namespace simgpu::kube
