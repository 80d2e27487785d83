#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace simgpu::integration {

/// `dra-sim-gpu` as this build made it, or what the environment variable `SIMGPU_PROGRAM` says: with sanitizers, of
/// which the test itself and the stand-ins need none.
std::filesystem::path programUnderTest();

/// The real program in a process of its own; killed at the end of the test if it still runs.
class DaemonProcess {
 public:
  /// Starts `dra-sim-gpu` (or `program`, a link to it) with these arguments and just this environment. What it writes
  /// to standard error goes to `log`, which is appended to.
  DaemonProcess(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                const std::filesystem::path& log, const std::filesystem::path& program = programUnderTest());
  DaemonProcess(DaemonProcess&& other) noexcept;
  DaemonProcess& operator=(DaemonProcess&&) = delete;
  ~DaemonProcess();

  void signal(int number) const;

  /// Waits for its end: the exit code, or 128 and the number of the signal. Empty if it still runs after `limit`.
  std::optional<int> wait(std::chrono::seconds limit = std::chrono::seconds(20));

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::optional<int> exitCode_;
};

/// The content of a file; empty if there is none.
std::string contentOf(const std::filesystem::path& file);

}  // namespace simgpu::integration
