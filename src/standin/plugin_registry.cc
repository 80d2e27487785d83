#include "standin/plugin_registry.h"

#include <algorithm>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace simgpu::standin {

namespace {

constexpr int kTickMilliseconds = 200;
constexpr auto kMaximumPause = std::chrono::seconds(122);
constexpr auto kPatience = std::chrono::seconds(10);

/// Tells a socket from another one that has replaced it. 0: not a socket that the kubelet looks at.
std::uint64_t socketIdentity(const std::filesystem::path& path) {
  struct stat info{};
  bool isSocket = ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
  if (!isSocket || path.filename().string().starts_with('.')) {
    return 0;
  }
  auto created = static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000 +
                 static_cast<std::uint64_t>(info.st_mtim.tv_nsec);
  return created ^ (info.st_ino << 32);  // file systems reuse inodes at once
}

}  // namespace

Result<std::unique_ptr<PluginRegistry>> PluginRegistry::start(std::filesystem::path directory, base::Clock& clock,
                                                              base::Logger log) {
  std::unique_ptr<PluginRegistry> registry(new PluginRegistry(std::move(directory), clock, std::move(log)));
  registry->inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  registry->wake_ = ::eventfd(0, EFD_CLOEXEC);
  if (registry->inotify_ < 0 || registry->wake_ < 0 ||
      ::inotify_add_watch(registry->inotify_, registry->directory_.c_str(), IN_CREATE | IN_MOVED_TO | IN_DELETE) < 0) {
    return unexpected(statusOfErrno(errno, "watch " + registry->directory_.string()));
  }
  auto* self = registry.get();
  registry->thread_ = std::jthread([self](const std::stop_token& stop) { self->run(stop); });
  return registry;
}

PluginRegistry::PluginRegistry(std::filesystem::path directory, base::Clock& clock, base::Logger log)
    : directory_(std::move(directory)), clock_(clock), log_(std::move(log)) {}

PluginRegistry::~PluginRegistry() {
  thread_.request_stop();
  std::uint64_t one = 1;
  if (wake_ >= 0) {
    [[maybe_unused]] ssize_t written = ::write(wake_, &one, sizeof one);
  }
  if (thread_.joinable()) {
    thread_.join();
  }
  for (int descriptor : {inotify_, wake_}) {
    if (descriptor >= 0) {
      ::close(descriptor);
    }
  }
}

void PluginRegistry::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    scan();
    registerDue();
    noteConnections();
    awaitNews();
  }
}

/// Events only wake us; a scan finds what they were about, also what was lost.
void PluginRegistry::awaitNews() const {
  pollfd polls[] = {{.fd = inotify_, .events = POLLIN, .revents = 0}, {.fd = wake_, .events = POLLIN, .revents = 0}};
  if (::poll(polls, 2, kTickMilliseconds) > 0) {
    alignas(inotify_event) char events[4096];
    while (::read(inotify_, events, sizeof events) > 0) {
    }
  }
}

void PluginRegistry::scan() {
  std::map<std::filesystem::path, std::uint64_t> present;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    if (std::uint64_t identity = socketIdentity(entry.path()); identity != 0) {
      present[entry.path()] = identity;
    }
  }
  std::vector<std::shared_ptr<PluginClient>> gone;  // closed without the lock
  std::lock_guard lock(mutex_);
  for (auto each = sockets_.begin(); each != sockets_.end();) {
    auto found = present.find(each->first);
    if (found != present.end() && found->second == each->second.identity) {
      ++each;
      continue;
    }
    log_.info("A plugin's registration socket is gone", {{"socket", each->first.string()}});
    gone.push_back(std::move(each->second.client));
    each = sockets_.erase(each);
  }
  for (const auto& [path, identity] : present) {
    sockets_.try_emplace(path).first->second.identity = identity;
  }
  changed_.notify_all();
}

void PluginRegistry::registerDue() {
  std::vector<std::filesystem::path> due;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [path, socket] : sockets_) {
      if (!socket.client && clock_.now() >= socket.nextTry) {
        due.push_back(path);
      }
    }
  }
  for (const auto& path : due) {
    registerOne(path);
  }
}

void PluginRegistry::registerOne(const std::filesystem::path& path) {
  auto result = tryRegister(path);
  std::lock_guard lock(mutex_);
  Socket& socket = sockets_[path];
  if (result) {
    std::tie(socket.driver, socket.client) = std::move(*result);
    socket.order = ++nextOrder_;
    socket.failure = {};
    lost_.try_emplace(socket.driver, base::Clock::TimePoint::max());  // also if it goes before it was ever connected
  } else {
    socket.failure = result.error();
    socket.nextTry = clock_.now() + socket.pause;
    socket.pause = std::min<base::Clock::Duration>(socket.pause * 2, kMaximumPause);
    log_.error(socket.failure, "Cannot register a plugin", {{"socket", path.string()}});
  }
  changed_.notify_all();
}

Result<std::pair<std::string, std::shared_ptr<PluginClient>>> PluginRegistry::tryRegister(
    const std::filesystem::path& path) {
  auto registration = RegistrationClient::connect(path);
  if (!registration) {
    return unexpected(registration.error());
  }
  auto info = (*registration)->info();
  if (!info) {
    return unexpected(info.error());
  }
  if (info->endpoint.empty()) {
    info->endpoint = path;
  }
  Status refused;
  if (info->type != "DRAPlugin") {
    refused = Status::invalidArgument("RegisterPlugin error -- no handler registered for plugin type: {} at socket {}",
                                      info->type, path.string());
  } else if (Status status = PluginClient::validate(*info); !status) {
    refused = status.with("RegisterPlugin error -- plugin validation failed with err");
  }
  if (!refused) {
    Status told = (*registration)->notify(refused.message());
    return unexpected(told ? refused : told.with("{}", refused.message()));
  }
  std::shared_ptr<PluginClient> client = PluginClient::open(*info, log_);
  if (Status status = (*registration)->notify(""); !status) {
    return unexpected(status);
  }
  return std::pair(info->name, std::move(client));
}

void PluginRegistry::noteConnections() {
  std::lock_guard lock(mutex_);
  std::set<std::string> connected;
  for (auto& [path, socket] : sockets_) {
    if (socket.client && socket.client->connected()) {
      connected.insert(socket.driver);
    }
  }
  for (const std::string& driver : connected) {
    lost_[driver] = base::Clock::TimePoint::max();
  }
  for (auto& [driver, since] : lost_) {
    if (!connected.contains(driver) && since == base::Clock::TimePoint::max()) {
      since = clock_.now();
    }
  }
}

std::map<std::string, base::Clock::TimePoint> PluginRegistry::lost() {
  std::lock_guard lock(mutex_);
  auto lost = lost_;
  std::erase_if(lost, [](const auto& entry) { return entry.second == base::Clock::TimePoint::max(); });
  return lost;
}

std::shared_ptr<PluginClient> PluginRegistry::find(std::string_view driver) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<PluginClient> best;
  std::pair<bool, std::uint64_t> rank;
  for (auto& [path, socket] : sockets_) {
    if (!socket.client || socket.driver != driver) {
      continue;
    }
    std::pair<bool, std::uint64_t> other(socket.client->connected(), socket.order);
    if (!best || other > rank) {
      best = socket.client;
      rank = other;
    }
  }
  return best;
}

bool PluginRegistry::await(std::string_view driver, bool registered) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] {
    bool found = std::ranges::any_of(
        sockets_, [&](const auto& entry) { return entry.second.client && entry.second.driver == driver; });
    return found == registered;
  });
}

Status PluginRegistry::lastFailure(const std::filesystem::path& socket) {
  std::lock_guard lock(mutex_);
  auto found = sockets_.find(socket);
  return found == sockets_.end() ? Status() : found->second.failure;
}

}  // namespace simgpu::standin
