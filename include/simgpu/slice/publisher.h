#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "simgpu/base/backoff.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/random.h"
#include "simgpu/device/inventory.h"
#include "simgpu/kube/client.h"
#include "simgpu/kube/event_sink.h"
#include "simgpu/kube/watch_pace.h"
#include "simgpu/slice/instruments.h"
#include "simgpu/slice/pace.h"
#include "simgpu/slice/step.h"

namespace simgpu::slice {

class Adaptation;

/// Keeps the ResourceSlices of a node on the API server as the inventory says: publishes them, watches them, and puts
/// them back at once when somebody deletes or edits them, or when a starting kubelet wipes them.
///
/// One thread, which sleeps unless the watch, a timer or `poke` wakes it; the only request of an idle node is its
/// watch. Failures are retried with growing pauses for ever; the daemon goes on preparing claims meanwhile. Of several
/// processes of one driver on a node (a rolling update) only the holder of the lock file writes. Fields that the server
/// drops because it does not know them are reported once, in the log and on the Node, and then left out. Nothing is
/// deleted at the end: the devices outlive a restart. Where what can be published depends on the version of the server,
/// that is read before every list.
class Publisher {
 public:
  struct Options {
    std::filesystem::path lockFile;  ///< `<plugins>/<driver>/publish.lock`
  };

  /// Starts the thread. All parts must outlive this object.
  Publisher(Options options, const device::Inventory& inventory, kube::Client& api, base::Clock& clock,
            base::Random& random, base::Files& files, kube::EventSink& events, Instruments& instruments,
            base::Logger log);

  /// Stops the thread; an API request that is under way is not waited for.
  ~Publisher();

  /// Reads the slices again soon: something suggests that they were wiped. From any thread, returns at once.
  void poke();

 private:
  enum class Phase { lock, list, watch };

  void run(const std::stop_token& stop);
  void advance(const std::stop_token& stop);
  bool acquireLock();
  void planAnew();
  Status relist();
  Status takeEvents();
  void apply(const kube::WatchEvent<kube::ResourceSlice>& event);
  Status reconcile(const std::stop_token& stop);
  void reportSuccess(const Step& done, bool restored);
  Step difference() const;
  bool mayRestore();
  Status readOwner();
  Status write(const Step& step, const std::stop_token& stop);
  Status stored(const kube::ResourceSlice& sent, const Result<kube::ResourceSlice>& answer);
  void keepWhatServerKnows(const kube::ResourceSlice& sent, const kube::ResourceSlice& stored);
  void retryAfter(const Status& failure, std::string_view what);
  kube::Wait patience() const;

  const Options options_;
  kube::Client& api_;
  base::Clock& clock_;
  base::Files& files_;
  kube::EventSink& events_;
  Instruments& instruments_;
  base::Logger log_;

  // Used by the thread alone.
  std::stop_token stop_;
  Phase phase_ = Phase::lock;
  std::unique_ptr<base::FileLock> lock_;
  bool waitingForLock_ = false;
  const std::unique_ptr<Adaptation> adaptation_;
  std::vector<kube::ResourceSlice> desired_;
  std::map<std::string, kube::ResourceSlice> actual_;  ///< By name.
  std::string resourceVersion_;
  std::unique_ptr<kube::Watch<kube::ResourceSlice>> watch_;
  std::optional<std::int64_t> established_;
  bool published_ = false;
  bool differs_ = true;           ///< `actual_` may differ from `desired_`.
  bool reportedDropped_ = false;  ///< That the server drops fields.
  RestorePace pace_;
  base::Backoff backoff_;
  kube::WatchPace watchPace_;
  base::Clock::TimePoint notBefore_{};  ///< No request before then.

  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool watchHasNews_ = false;
  bool poked_ = false;
  std::jthread thread_;  ///< Last: it uses everything above.
};

}  // namespace simgpu::slice
