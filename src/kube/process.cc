#include "kube/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace simgpu::kube {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxOutput = 1 << 20;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }

  int get() const { return fd_; }

 private:
  int fd_;
};

/// A child process, killed with its process group and waited for at the latest by the destructor.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      wait();
    }
  }

  /// Blocks until it ended; its wait status.
  int wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

std::vector<std::string> environmentOf(const Command& command) {
  std::vector<std::string> result;
  for (const auto& [name, value] : command.env) {
    result.push_back(fmt::format("{}={}", name, value));
  }
  for (char** variable = environ; variable && *variable; ++variable) {
    std::string_view text = *variable;
    auto name = text.substr(0, text.find('='));
    if (std::ranges::find(command.env, name, [](const auto& pair) { return std::string_view(pair.first); }) ==
        command.env.end()) {
      result.emplace_back(text);
    }
  }
  return result;
}

std::vector<char*> pointersTo(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) {
    result.push_back(text.data());
  }
  result.push_back(nullptr);
  return result;
}

/// Starts the program with `output` as its standard output; an errno if that fails.
int spawn(const Command& command, int output, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  // This program blocks its signals and lives in a group of its own; neither is the child's business.
  sigset_t none;
  sigset_t ignorable;
  sigemptyset(&none);
  sigemptyset(&ignorable);
  sigaddset(&ignorable, SIGPIPE);
  sigaddset(&ignorable, SIGHUP);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &ignorable);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::vector<std::string> args{command.program};
  args.insert(args.end(), command.args.begin(), command.args.end());
  auto environment = environmentOf(command);
  int error = posix_spawnp(&pid, command.program.c_str(), &actions, &attributes, pointersTo(args).data(),
                           pointersTo(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// Appends what can be read without waiting. False at the end of the output.
bool drain(int fd, std::string& output) {
  std::array<char, 4096> buffer;
  while (output.size() <= kMaxOutput) {
    auto count = read(fd, buffer.data(), buffer.size());
    if (count > 0) {
      output.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
      return false;
    } else if (errno == EAGAIN) {
      return true;
    }
  }
  return true;
}

/// Reads until the process has ended.
Status readUntilExit(int process, int pipe, int stopped, SteadyClock::time_point deadline, std::string& output) {
  bool open = true;
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) {
      return Status::deadlineExceeded("it did not end in time and was killed");
    }
    std::array<pollfd, 3> waits{{{process, POLLIN, 0}, {stopped, POLLIN, 0}, {open ? pipe : -1, POLLIN, 0}}};
    if (poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return statusOfErrno(errno, "poll");
    }
    if (waits[1].revents != 0) {
      return Status::cancelled("it was no longer wanted and was killed");
    }
    if (waits[2].revents != 0) {
      open = drain(pipe, output);
    }
    if (output.size() > kMaxOutput) {
      return Status::unavailable("it wrote more than {} bytes", kMaxOutput);
    }
    if (waits[0].revents != 0) {
      // A child of the child may hold the pipe open: take what is there, do not wait for its end.
      drain(pipe, output);
      return {};
    }
  }
}

Status statusOfExit(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return {};
  }
  return WIFSIGNALED(status) ? Status::unavailable("it was ended by signal {}", WTERMSIG(status))
                             : Status::unavailable("it ended with exit code {}", WEXITSTATUS(status));
}

}  // namespace

Result<std::string> PosixProcessRunner::run(const Command& command, std::chrono::milliseconds timeout,
                                            const std::stop_token& stop) {
  const auto deadline = SteadyClock::now() + timeout;
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return unexpected(statusOfErrno(errno, "create a pipe"));
  }
  const FileDescriptor output(ends[0]);
  FileDescriptor input(ends[1]);
  fcntl(output.get(), F_SETFL, O_NONBLOCK);
  const FileDescriptor stopped(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (stopped.get() < 0) {
    return unexpected(statusOfErrno(errno, "create an event descriptor"));
  }
  const std::stop_callback onStop(stop, [&] { eventfd_write(stopped.get(), 1); });

  pid_t pid = -1;
  if (int error = spawn(command, input.get(), pid); error != 0) {
    return unexpected(statusOfErrno(error, command.program));
  }
  Child child(pid);
  input = FileDescriptor();
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (process.get() < 0) {
    return unexpected(statusOfErrno(errno, "watch a process"));
  }
  std::string text;
  if (auto status = readUntilExit(process.get(), output.get(), stopped.get(), deadline, text); !status.ok()) {
    return unexpected(std::move(status));
  }
  if (auto status = statusOfExit(child.wait()); !status.ok()) {
    return unexpected(std::move(status));
  }
  if (text.size() > kMaxOutput) {
    return unexpected(Status::unavailable("it wrote more than {} bytes", kMaxOutput));
  }
  return text;
}

}  // namespace simgpu::kube
