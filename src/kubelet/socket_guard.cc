#include "kubelet/socket_guard.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "kubelet/unix_socket.h"
#include "simgpu/base/wait.h"

namespace simgpu::kubelet {
namespace {

constexpr std::chrono::seconds kMinimumAgeWithoutLock{2};
constexpr mode_t kLockMode = 0600;
constexpr std::chrono::milliseconds kLockPatience{500};
constexpr std::chrono::milliseconds kLockPoll{50};

std::string describeThisProcess() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) {
    host[0] = '\0';
  }
  return fmt::format("process {} on {}", ::getpid(), host.data());
}

/// The pods, by UID, of which something is left in one of the directories; an empty UID is a driver that serves
/// without.
std::set<std::string> podsSeen(base::Files& files, const SocketPaths& own, std::string_view driver) {
  std::set<std::string> pods;
  if (auto names = files.list(own.dra.parent_path()); names) {
    for (const std::string& name : *names) {
      if (name == draSocketName("")) {
        pods.emplace();
      } else if (auto uid = podUidOfDraSocket(name); !uid.empty()) {
        pods.emplace(uid);
      }
    }
  }
  if (auto names = files.list(own.registration.parent_path()); names) {
    for (const std::string& name : *names) {
      if (name == registrationSocketName(driver, "")) {
        pods.emplace();
      } else if (auto uid = podUidOfRegistrationSocket(name, driver); !uid.empty()) {
        pods.emplace(uid);
      }
    }
  }
  return pods;
}

/// All sockets that a pod can have left behind, the registration sockets first.
std::vector<std::filesystem::path> socketsOfPod(const SocketPaths& own, std::string_view driver, std::string_view uid) {
  std::vector<std::filesystem::path> sockets;
  for (const std::string& name : registrationSocketNames(driver, uid)) {
    sockets.push_back(own.registration.parent_path() / name);
    sockets.push_back(own.registration.parent_path() / hiddenSocketName(name));
  }
  sockets.push_back(own.dra.parent_path() / draSocketName(uid));
  sockets.push_back(own.dra.parent_path() / hiddenSocketName(draSocketName(uid)));
  return sockets;
}

bool isOld(const base::FileInfo& info, const base::Clock& clock) {
  auto changed = base::Clock::WallTime(std::chrono::nanoseconds(info.modifiedNanoseconds));
  return clock.wallTime() - changed >= kMinimumAgeWithoutLock;
}

void removeSocketsOfPod(base::Files& files, const base::Clock& clock, const SocketPaths& own, std::string_view driver,
                        const std::string& uid, const base::Logger& log) {
  std::filesystem::path lockFile = lockOfSocket(own.dra.parent_path() / draSocketName(uid));
  std::unique_ptr<base::FileLock> lock;
  if (files.info(lockFile)) {
    auto taken = files.lock(lockFile, kLockMode, base::Files::Wait::tryOnce);
    if (!taken) {
      return;
    }
    lock = std::move(*taken);
  }

  std::vector<std::filesystem::path> dead;
  for (std::filesystem::path& socket : socketsOfPod(own, driver, uid)) {
    auto info = files.info(socket);
    if (!info || info->kind != base::FileInfo::Kind::socket) {
      continue;
    }
    if (mayBeServed(socket) || (!lock && !isOld(*info, clock))) {
      return;
    }
    dead.push_back(std::move(socket));
  }
  for (const std::filesystem::path& socket : dead) {
    if (Status status = files.remove(socket); status) {
      log.info("Removed a socket that nobody listens on", {{"path", socket.native()}});
    } else {
      log.error(status, "Cannot remove a socket that nobody listens on", {{"path", socket.native()}});
    }
  }
  if (lock) {
    (void)files.remove(lockFile);
  }
}

}  // namespace

Result<SocketLock> SocketLock::take(base::Files& files, base::Clock& clock, const std::filesystem::path& draSocket) {
  std::filesystem::path path = lockOfSocket(draSocket);
  // Another pod that cleans up holds the lock of one that seems dead for an instant.
  auto lock = base::lockWithin(files, clock, path, kLockMode, kLockPatience, kLockPoll);
  if (!lock && lock.error().code() == Code::failedPrecondition) {
    std::string holder = files.read(path).value_or("");
    return unexpected(
        Status::failedPrecondition("another process serves the socket {} already: {} holds the lock {}; stop it first",
                                   draSocket.native(), holder.empty() ? "somebody" : holder, path.native()));
  }
  if (!lock) {
    return unexpected(lock.error().with("lock {}", path.native()));
  }
  if (Status status = (*lock)->replaceContent(describeThisProcess()); !status) {
    return unexpected(status.with("write {}", path.native()));
  }
  return SocketLock(files, std::move(path), std::move(*lock));
}

SocketLock::~SocketLock() {
  if (lock_) {
    (void)files_->remove(path_);
  }
}

Status clearSocket(base::Files& files, const std::filesystem::path& socket) {
  auto info = files.info(socket);
  if (!info) {
    return info.error().code() == Code::notFound ? Status() : info.error().with("look at {}", socket.native());
  }
  if (info->kind != base::FileInfo::Kind::socket) {
    return Status::failedPrecondition("{} is in the way: it should be a socket, or absent", socket.native());
  }
  auto connection = connectUnix(socket);
  if (connection) {
    return Status::failedPrecondition("another process serves the socket {} already: {}; stop it first",
                                      socket.native(), describePeer(*connection));
  }
  if (connection.error().code() == Code::notFound || connection.error().code() == Code::failedPrecondition) {
    return files.remove(socket).with("remove the stale socket {}", socket.native());
  }
  return connection.error().with("find out whether the socket {} is in use", socket.native());
}

void removeDeadSockets(base::Files& files, const base::Clock& clock, const SocketPaths& own, std::string_view driver,
                       const base::Logger& log) {
  for (const std::string& uid : podsSeen(files, own, driver)) {
    if (draSocketName(uid) != own.dra.filename().native()) {
      removeSocketsOfPod(files, clock, own, driver, uid, log);
    }
  }
}

}  // namespace simgpu::kubelet
