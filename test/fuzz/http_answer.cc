// Answers of an API server, or of something on the way to it: head and body, and what every request makes of them.
#include "fakes/fake_clock.h"
#include "fuzz/exchange.h"
#include "fuzz/fuzz.h"
#include "simgpu/base/utf8.h"
#include "simgpu/kube/client.h"

namespace {

using namespace simgpu;
using fuzz::check;
using kube::HttpResponse;

constexpr std::size_t kLongestMessage = 6000;

HttpResponse receive(const fuzz::Exchange& exchange, std::size_t piece) {
  kube::RequestTransfer transfer(kube::HttpRequest{});
  auto answer = transfer.future();
  check(feed(transfer, exchange, piece), "an answer of this size is taken");
  transfer.succeed();
  return *answer.get();
}

/// Answers every request the same, but a list only so many pages.
class SameAnswer final : public kube::Transport {
 public:
  explicit SameAnswer(HttpResponse answer) : answer_(std::move(answer)) {}

  std::future<Result<HttpResponse>> send(kube::HttpRequest request) override {
    check(request.target.find_first_of(" \r\n#") == std::string::npos, "the target is one word");
    constexpr int kPages = 3;
    std::promise<Result<HttpResponse>> promise;
    if (request.target.find("&continue=") != std::string::npos && ++pages_ > kPages) {
      promise.set_value(unexpected(Status::deadlineExceeded("enough pages")));
    } else {
      promise.set_value(answer_);
    }
    return promise.get_future();
  }

  std::unique_ptr<kube::HttpStream> stream(kube::HttpRequest, std::chrono::seconds, std::function<void()>) override {
    return nullptr;
  }

 private:
  HttpResponse answer_;
  int pages_ = 0;
};

void checkFailure(const Status& status) {
  check(base::isUtf8(status.message()), "messages are UTF-8");
  check(status.message().size() < kLongestMessage, "messages are not endless");
  check(!status.retryAfter() || status.retryAfter()->count() <= 3600, "no pause is endless");
}

template <typename T>
void checkResult(const Result<T>& result, const HttpResponse& answer) {
  if (!result) {
    checkFailure(result.error());
  } else {
    check(answer.status >= 200 && answer.status < 300, "only a 2xx is a success");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto exchange = fuzz::exchangeOf(fuzz::textOf(data, size));
  const HttpResponse answer = receive(exchange, size + 1);
  const HttpResponse inPieces = receive(exchange, 7);
  check(answer.status == inPieces.status && answer.body == inPieces.body && answer.warnings == inPieces.warnings,
        "an answer is the same however it is cut");

  fakes::FakeClock clock;
  SameAnswer transport(answer);
  kube::Client client(transport, clock, {.qps = 0}, {});
  const kube::Wait wait(clock.now());
  checkResult(client.startGetClaim("team-a", "train", clock.now()).get(), answer);
  checkResult(client.getServerVersion(wait), answer);
  checkResult(client.getNode("node-a", wait), answer);
  checkResult(client.listSlices("gpu.example.com", "node-a", wait), answer);
  checkResult(client.listClaims([](const kube::ResourceClaim&) { return true; }, wait), answer);
  checkResult(client.createSlice({}, wait), answer);
  const kube::ObjectMeta claim{.name = "train", .space = "team-a", .uid = "303b27ee-5d0c-4e4f-a6e4-6d1f8c6f5a11"};
  checkResult(client.applyDeviceStatus(claim, {}, "gpu.example.com/node-a", wait), answer);
  checkFailure(client.deleteSlice(claim, wait));
  checkFailure(client.createEvent({}, wait));
  return 0;
}
