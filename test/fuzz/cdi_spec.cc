// CDI specs, and the records of claims in them: any file may lie in the directory.
#include "fuzz/fuzz.h"
#include "simgpu/cdi/spec.h"
#include "simgpu/claim/record.h"

namespace {

using namespace simgpu;
using claim::Record;
using fuzz::check;

constexpr std::string_view kUid = "303b27ee-5d0c-4e4f-a6e4-6d1f8c6f5a11";

void checkRendering(const cdi::Spec& spec) {
  if (cdi::validate(spec)) {
    auto again = cdi::parse(cdi::render(spec));
    check(again && *again == spec, "a valid spec survives being written and read");
  }
}

void checkRecord(const cdi::Spec& spec) {
  const claim::SpecNaming naming{.driverName = "gpu.example.com", .cdiClass = "gpu"};
  Record record = claim::readRecord(naming, kUid, spec);
  check(record.prepared.claim.uid == kUid, "a record is that of the claim that was asked for");
  if (record.origin == Record::Origin::unreadable) {
    check(record.held.empty(), "an unreadable record holds nothing");
    check(record.spec == cdi::Spec(), "an unreadable record has no spec");
  }
  if (record.origin == Record::Origin::unreadable || record.origin == Record::Origin::foreign) {
    check(record.prepared == claim::PreparedClaim{.claim = {.uid = std::string(kUid)}}, "only the UID is known");
    check(record.bootId.empty(), "only records with annotations have a boot ID");
  }
  if (record.origin != Record::Origin::ours) {
    return;
  }
  Record rewritten =
      claim::makeRecord(naming, record.prepared, record.held, record.bootId, record.spec.devices, record.spec.edits);
  Record again = claim::readRecord(naming, kUid, rewritten.spec);
  check(again.origin == Record::Origin::ours && again.prepared == record.prepared && again.held == record.held &&
            again.bootId == record.bootId && again.spec == rewritten.spec,
        "a record survives being written and read");
  checkRendering(rewritten.spec);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (auto spec = cdi::parse(fuzz::textOf(data, size))) {
    checkRendering(*spec);
    checkRecord(*spec);
  }
  return 0;
}
