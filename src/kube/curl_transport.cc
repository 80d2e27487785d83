#include "simgpu/kube/curl_transport.h"

#include "kube/network.h"
#include "kube/process.h"
#include "kube/request_meter.h"
#include "kube/stream_transfer.h"

namespace simgpu::kube {
namespace {

/// curl counts these calls and locks them.
class CurlLibrary {
 public:
  CurlLibrary() : code_(curl_global_init(CURL_GLOBAL_DEFAULT)) {}
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
  ~CurlLibrary() {
    if (code_ == CURLE_OK) {
      curl_global_cleanup();
    }
  }

  CURLcode code() const { return code_; }

 private:
  CURLcode code_;
};

class CurlTransport final : public Transport {
 public:
  static Result<std::unique_ptr<Transport>> open(const Config& config, const CurlTransportOptions& options,
                                                 base::Clock& clock, base::Files& files, base::Logger log) {
    std::unique_ptr<CurlTransport> transport(new CurlTransport());
    if (options.metrics != nullptr) {
      transport->meter_.emplace(*options.metrics, clock);
    }
    CurlMulti multi(transport->library_.code() == CURLE_OK ? curl_multi_init() : nullptr);
    if (!multi) {
      return unexpected(Status::internal("the HTTP library curl cannot be initialised"));
    }
    curl_multi_setopt(multi.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options.maxInFlight) + 8);
    auto endpoint = endpointOf(config, options.userAgent);
    if (!endpoint) {
      return unexpected(endpoint.error());
    }
    auto doorbell = std::make_shared<Doorbell>(multi.get());
    auto credentials =
        Credentials::open(config, clock, files, transport->runner_, std::move(log), [doorbell] { doorbell->ring(); });
    if (!credentials) {
      return unexpected(credentials.error());
    }
    transport->network_ = std::make_unique<Network>(std::move(multi), std::move(doorbell), *std::move(endpoint),
                                                    *std::move(credentials), options.maxInFlight, clock);
    return transport;
  }

  std::future<Result<HttpResponse>> send(HttpRequest request) override {
    auto transfer = std::make_unique<RequestTransfer>(std::move(request));
    measure(*transfer);
    auto future = transfer->future();
    network_->submit(std::move(transfer));
    return future;
  }

  std::unique_ptr<HttpStream> stream(HttpRequest request, std::chrono::seconds silence,
                                     std::function<void()> wake) override {
    auto mailbox = std::make_shared<StreamMailbox>(std::move(wake));
    auto transfer = std::make_unique<StreamTransfer>(std::move(request), silence, mailbox);
    measure(*transfer);
    network_->submit(std::move(transfer));
    return std::make_unique<CurlStream>(std::move(mailbox), network_->doorbell());
  }

 private:
  CurlTransport() = default;

  void measure(Transfer& transfer) {
    if (meter_) {
      transfer.whenOver(meter_->begin(transfer.request()));
    }
  }

  CurlLibrary library_;
  PosixProcessRunner runner_;
  std::optional<RequestMeter> meter_;
  std::unique_ptr<Network> network_;
};

}  // namespace

Result<std::unique_ptr<Transport>> makeCurlTransport(Config config, CurlTransportOptions options, base::Clock& clock,
                                                     base::Files& files, base::Logger log) {
  return CurlTransport::open(config, options, clock, files, std::move(log));
}

}  // namespace simgpu::kube
