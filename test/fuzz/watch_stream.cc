// Watches: the answer of an API server that has no end, line by line.
#include "fuzz/exchange.h"
#include "fuzz/fuzz.h"
#include "kube/stream_transfer.h"
#include "simgpu/base/utf8.h"
#include "simgpu/kube/watch.h"

namespace {

using namespace simgpu;
using fuzz::check;

/// What becomes of a stream that the server ends after this.
std::unique_ptr<kube::HttpStream> receive(const fuzz::Exchange& exchange, std::size_t piece) {
  auto mailbox = std::make_shared<kube::StreamMailbox>([] {});
  kube::StreamTransfer transfer(kube::HttpRequest{}, std::chrono::seconds(60), mailbox);
  check(feed(transfer, exchange, piece), "a stream of this size is taken");
  transfer.succeed();
  return std::make_unique<kube::CurlStream>(mailbox, std::make_shared<kube::Doorbell>(nullptr));
}

void checkCuts(const fuzz::Exchange& exchange, std::size_t whole) {
  auto lines = receive(exchange, whole)->take();
  auto inPieces = receive(exchange, 7)->take();
  check(lines.lines == inPieces.lines && lines.error.has_value() == inPieces.error.has_value(),
        "lines are the same however they are cut");
  for (const std::string& line : lines.lines) {
    check(line.find('\n') == std::string::npos, "a line is one line");
  }
}

template <typename Object>
void checkWatch(std::unique_ptr<kube::HttpStream> stream) {
  kube::Watch<Object> watch(std::move(stream));
  auto batch = watch.take();
  check(batch.ended.has_value(), "a stream that is over ends its watch");
  check(base::isUtf8(batch.ended->message()), "messages are UTF-8");
  check(batch.ended->message().size() < 6000, "messages are not endless");
  auto rest = watch.take();
  check(rest.events.empty() && !rest.ended, "nothing follows the end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto exchange = fuzz::exchangeOf(fuzz::textOf(data, size));
  checkCuts(exchange, size + 1);
  checkWatch<kube::ResourceSlice>(receive(exchange, size + 1));
  checkWatch<kube::ResourceClaim>(receive(exchange, size + 1));
  return 0;
}
