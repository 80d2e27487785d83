#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kube/credentials.h"
#include "kube/curl_setup.h"
#include "kube/doorbell.h"
#include "kube/transfer.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"

namespace simgpu::kube {

struct MultiFree {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using CurlMulti = std::unique_ptr<CURLM, MultiFree>;

/// The network thread: drives every transfer through one curl multi handle. Sleeps unless a socket, a deadline or
/// `submit` wakes it.
class Network {
 public:
  /// `doorbell` must ring for `multi`; `credentials` must ring it when a plugin has ended.
  Network(CurlMulti multi, std::shared_ptr<Doorbell> doorbell, Endpoint endpoint,
          std::unique_ptr<Credentials> credentials, std::size_t maxInFlight, base::Clock& clock);

  /// Fails what is under way with cancelled.
  ~Network();

  /// Starts a transfer as soon as there is room for it. Callable from any thread.
  void submit(std::unique_ptr<Transfer> transfer);

  const std::shared_ptr<Doorbell>& doorbell() const { return doorbell_; }

 private:
  void run(const std::stop_token& stop);

  /// Takes what was submitted.
  void accept();

  /// Starts what waits, as far as there is room and an identity to show.
  void startWaiting();
  void start(std::unique_ptr<Transfer> transfer, const Credentials::Current& identity);

  /// Deals with what curl is done with.
  void collect();
  void finish(std::unique_ptr<Transfer> transfer, CURLcode code);

  /// Gives up what is late, and drops what nobody waits for.
  void expire();

  /// How long to sleep until something is late.
  int patience() const;

  /// Takes the transfer of a handle away from curl.
  std::unique_ptr<Transfer> release(CURL* easy);
  void cancelAll();

  const CurlMulti multi_;
  const std::shared_ptr<Doorbell> doorbell_;
  const Endpoint endpoint_;
  const std::unique_ptr<Credentials> credentials_;
  const std::size_t maxInFlight_;
  base::Clock& clock_;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Transfer>> submitted_;

  // Of the network thread only.
  std::deque<std::unique_ptr<Transfer>> waiting_;
  std::map<CURL*, std::unique_ptr<Transfer>> running_;
  std::size_t requests_ = 0;  ///< Of `running_`, without streams.
  bool distrustConnections_ = false;

  std::jthread thread_;
};

}  // namespace simgpu::kube
