#include "integration/daemon_process.h"

#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "fakes/eventually.h"

namespace simgpu::integration {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) {
    result.push_back(text.data());
  }
  result.push_back(nullptr);
  return result;
}

}  // namespace

std::filesystem::path programUnderTest() {
  const char* other = std::getenv("SIMGPU_PROGRAM");  // NOLINT(concurrency-mt-unsafe): nobody changes it
  return other != nullptr ? other : SIMGPU_PROGRAM;
}

DaemonProcess::DaemonProcess(const std::vector<std::string>& arguments,
                             const std::map<std::string, std::string>& environment, const std::filesystem::path& log,
                             const std::filesystem::path& program) {
  std::vector<std::string> words = {program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) {
    variables.push_back(name + "=" + value);
  }
  for (const char* sanitizer : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = std::getenv(sanitizer)) {  // NOLINT(concurrency-mt-unsafe): nobody changes it
      variables.push_back(std::string(sanitizer) + "=" + value);
    }
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);  // sockets of the test are none of its business
  int error =
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw std::runtime_error("cannot start " + program.string());
  }
}

DaemonProcess::DaemonProcess(DaemonProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exitCode_(other.exitCode_) {}

DaemonProcess::~DaemonProcess() {
  if (pid_ > 0 && !exitCode_) {
    ::kill(pid_, SIGKILL);
    wait();
  }
}

void DaemonProcess::signal(int number) const {
  ::kill(pid_, number);
}

std::optional<int> DaemonProcess::wait(std::chrono::seconds limit) {
  auto ended = [this] {
    int status = 0;
    if (!exitCode_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
      exitCode_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return exitCode_.has_value();
  };
  fakes::eventually(ended, limit);
  return exitCode_;
}

std::string contentOf(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace simgpu::integration
