#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "standin/plugin_client.h"

namespace simgpu::standin {

/// Looks for sockets in the kubelet's registry directory, registers what it finds there, and forgets what goes.
/// Subdirectories are not looked at. Thread-safe.
class PluginRegistry {
 public:
  static Result<std::unique_ptr<PluginRegistry>> start(std::filesystem::path directory, base::Clock& clock,
                                                       base::Logger log);
  ~PluginRegistry();

  /// The newest connected instance, else the newest, else null.
  std::shared_ptr<PluginClient> find(std::string_view driver);

  bool await(std::string_view driver, bool registered);
  Status lastFailure(const std::filesystem::path& socket);

  /// Drivers without a connected instance, that had one, and since when.
  std::map<std::string, base::Clock::TimePoint> lost();

 private:
  struct Socket {
    std::uint64_t identity = 0;
    std::string driver;
    std::shared_ptr<PluginClient> client;
    std::uint64_t order = 0;
    Status failure;
    base::Clock::TimePoint nextTry = base::Clock::TimePoint::min();
    base::Clock::Duration pause = std::chrono::milliseconds(500);
  };

  PluginRegistry(std::filesystem::path directory, base::Clock& clock, base::Logger log);

  void run(const std::stop_token& stop);
  void awaitNews() const;
  void scan();
  void registerDue();
  void registerOne(const std::filesystem::path& path);
  Result<std::pair<std::string, std::shared_ptr<PluginClient>>> tryRegister(const std::filesystem::path& path);
  void noteConnections();

  std::filesystem::path directory_;
  base::Clock& clock_;
  base::Logger log_;
  int inotify_ = -1;
  int wake_ = -1;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::filesystem::path, Socket> sockets_;
  std::map<std::string, base::Clock::TimePoint> lost_;
  std::uint64_t nextOrder_ = 0;
  std::jthread thread_;
};

}  // namespace simgpu::standin
