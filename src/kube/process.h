#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "simgpu/base/result.h"

namespace simgpu::kube {

/// A program to run.
struct Command {
  std::string program;  ///< A path, or a name to look for in PATH.
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;  ///< Beside (and before) this program's own environment.
};

/// Running programs as a parameter.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  /// Runs the program without input and answers what it wrote to its standard output; its standard error goes where
  /// ours goes. notFound if there is no such program, deadlineExceeded or cancelled after it (and its process group)
  /// was killed, unavailable if it failed or wrote more than a mebibyte.
  virtual Result<std::string> run(const Command& command, std::chrono::milliseconds timeout,
                                  const std::stop_token& stop) = 0;
};

/// Runs real processes.
class PosixProcessRunner final : public ProcessRunner {
 public:
  Result<std::string> run(const Command& command, std::chrono::milliseconds timeout,
                          const std::stop_token& stop) override;
};

}  // namespace simgpu::kube
