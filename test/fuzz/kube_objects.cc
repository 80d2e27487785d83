// What an API server, or something on the way to it, answers.
#include "fuzz/fuzz.h"
#include "simgpu/kube/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace simgpu;
  using fuzz::check;

  auto document = kube::parseJson(fuzz::textOf(data, size));
  if (!document) {
    check(document.error().code() == Code::dataLoss, "bad JSON is lost data");
    return 0;
  }
  auto reread = kube::parseJson(kube::dumpJson(*document));
  check(reread && *reread == *document, "JSON survives being written and read");
  if (auto claim = kube::resourceClaimFromJson(*document); !claim) {
    check(claim.error().code() == Code::dataLoss, "a bad claim is lost data");
  }
  if (auto slice = kube::resourceSliceFromJson(*document)) {
    auto sent = kube::parseJson(kube::dumpJson(kube::toJson(*slice)));
    check(sent.has_value(), "a slice is written as JSON");
    auto again = kube::resourceSliceFromJson(*sent);
    check(again && *again == *slice, "a slice survives being written and read");
  } else {
    check(slice.error().code() == Code::dataLoss, "a bad slice is lost data");
  }
  return 0;
}
