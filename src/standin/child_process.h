#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "simgpu/base/result.h"

namespace simgpu::standin {

/// A command that runs as a child in a process group of its own, its output going to a file. Killed on destruction.
class ChildProcess {
 public:
  /// `command[0]` is looked up in this process's PATH. The output is appended to `log`.
  static Result<ChildProcess> start(const std::vector<std::string>& command,
                                    const std::vector<std::string>& environment, const std::filesystem::path& log);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  /// The exit code (128 and the number of the signal that ended it), or nothing after `atMost`.
  std::optional<int> await(std::chrono::milliseconds atMost);

  /// To the whole group.
  void signal(int number) const;

 private:
  explicit ChildProcess(pid_t pid, int descriptor) : pid_(pid), descriptor_(descriptor) {}

  pid_t pid_;
  int descriptor_;  ///< pidfd
  std::optional<int> exitCode_;
};

}  // namespace simgpu::standin
