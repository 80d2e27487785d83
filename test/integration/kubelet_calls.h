#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/types.h>

#include "simgpu/claim/types.h"
#include "standin/plugin_client.h"

namespace simgpu::integration {

/// A connection to the DRA socket of a driver as the kubelet has it, but without registration and health.
class KubeletCalls {
 public:
  explicit KubeletCalls(const std::filesystem::path& draSocket);

  Result<std::vector<standin::PreparedDevice>> prepare(const claim::ClaimRef& claim);
  Status unprepare(const claim::ClaimRef& claim);

  /// Whether a failure is of the call, so that nobody knows what became of the claim, and not the driver's answer.
  static bool isUnanswered(const Status& failure) { return failure.code() == Code::unavailable; }

 private:
  std::unique_ptr<standin::PluginClient> client_;
};

/// What a process has of its machine.
struct ProcessUse {
  std::size_t residentKiB = 0;
  std::size_t descriptors = 0;
  std::size_t threads = 0;

  std::string text() const;
};
ProcessUse useOf(pid_t process);

}  // namespace simgpu::integration
