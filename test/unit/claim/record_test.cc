#include "simgpu/claim/record.h"

#include "fakes/result_matchers.h"

namespace simgpu::claim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kUid = "303b27ee-0000-4000-8000-000000000001";
const SpecNaming kNaming{.driverName = "gpu.example.com", .cdiClass = "gpu"};

Record sample() {
  PreparedClaim prepared{
      .claim = {.space = "team-a", .name = "train", .uid = kUid},
      .devices = {{.requests = {"gpu"}, .pool = "node-a", .device = "gpu-5", .cdiIds = {"k8s.gpu.example.com/gpu=x"}},
                  {.requests = {"shared"}, .pool = "node-a", .device = "gpu-6", .shareId = "s-1"}}};
  return makeRecord(kNaming, prepared, {{.pool = "node-a", .device = "gpu-5"}}, "boot-1",
                    {{.name = kNaming.deviceName(kUid, "gpu-5", ""), .edits = {.env = {"A=1"}}}},
                    {.env = {"NODE=node-a"}});
}

TEST(SpecNamingTest, NamesAreThoseOfTheReferenceDriver) {
  EXPECT_EQ(kNaming.kind(), "k8s.gpu.example.com/gpu");
  EXPECT_EQ(kNaming.fileName("u-1"), "k8s.gpu.example.com-gpu_u-1.yaml");
  EXPECT_EQ(kNaming.deviceName("u-1", "gpu-6", ""), "u-1-gpu-6");
  EXPECT_EQ(kNaming.deviceName("u-1", "gpu-6", "s"), "u-1-gpu-6-s");
}

TEST(SpecNamingTest, OnlyFilesOfThisDriverGiveAUid) {
  EXPECT_EQ(kNaming.claimUidOf("k8s.gpu.example.com-gpu_u-1.yaml"), "u-1");
  EXPECT_EQ(kNaming.claimUidOf("k8s.gpu.example.com-gpu_.yaml"), "");
  EXPECT_EQ(kNaming.claimUidOf("k8s.gpu.example.com-gpu_u-1.json"), "");
  EXPECT_EQ(kNaming.claimUidOf("k8s.net.example.com-net_u-1.yaml"), "");
  EXPECT_EQ(kNaming.claimUidOf("k8s.gpu.example.com-gpu_..yaml"), "");
}

TEST(RecordTest, ASpecGivesBackWhatWasPrepared) {
  Record record = sample();
  auto spec = cdi::parse(cdi::render(record.spec));
  ASSERT_OK(spec);

  Record read = readRecord(kNaming, kUid, spec);

  EXPECT_EQ(read.origin, Record::Origin::ours);
  EXPECT_EQ(read.prepared, record.prepared);
  EXPECT_EQ(read.held, record.held);
  EXPECT_EQ(read.bootId, "boot-1");
  EXPECT_EQ(read.spec, record.spec);
}

TEST(RecordTest, WhatSaysTheSameIsTheSameTextInAllReleases) {
  const std::map<std::string, base::Quantity> memory = {{"memory", *base::Quantity::parse("8Gi")}};
  Record record = makeRecord(
      kNaming,
      {.claim = {.space = "team-a", .name = "tr\u00e4in \"1\"", .uid = kUid},
       .devices =
           {{.requests = {"a", "b"}, .pool = "node-a", .device = "gpu-0", .shareId = "s-1", .cdiIds = {"x", "y"}},
            {.requests = {"c"}, .pool = "node-a", .device = "gpu-1", .cdiIds = {}}}},
      {{.pool = "node-a", .device = "gpu-0", .shareId = "s-1", .parent = "p", .counters = memory, .consumed = memory},
       {.pool = "node-a", .device = "gpu-1"}},
      "boot-1", {}, {});

  EXPECT_EQ(record.spec.annotations.at("dra-driver-sim-gpu/prepared-claim"),
            R"({"devices":[)"
            R"({"cdiDeviceIDs":["x","y"],"device":"gpu-0","pool":"node-a","requests":["a","b"],"shareID":"s-1"},)"
            R"({"cdiDeviceIDs":[],"device":"gpu-1","pool":"node-a","requests":["c"]}],)"
            R"("held":[{"consumed":{"memory":"8Gi"},"counters":{"memory":"8Gi"},"device":"gpu-0","parent":"p",)"
            R"("pool":"node-a","shareID":"s-1"},{"device":"gpu-1","pool":"node-a"}],)"
            R"("name":"tr\u00e4in \"1\"","namespace":"team-a","uid":")" +
                std::string(kUid) + R"("})");
}

TEST(RecordTest, ASpecThatSaysItBelongsToAnotherClaimIsNotTrusted) {
  Record read = readRecord(kNaming, "another-uid", sample().spec);

  EXPECT_EQ(read.origin, Record::Origin::unreadable);
  EXPECT_EQ(read.prepared, PreparedClaim{.claim = {.uid = "another-uid"}});
  EXPECT_THAT(read.held, IsEmpty());
  EXPECT_THAT(read.bootId, IsEmpty());
  EXPECT_EQ(read.spec, cdi::Spec());
}

TEST(RecordTest, NothingIsTakenFromAnAnnotationThatBreaksOffHalfWay) {
  Record broken = sample();
  broken.spec.annotations["dra-driver-sim-gpu/prepared-claim"] =
      R"({"namespace":"team-a","name":"train","bootID":"boot-1","devices":[{"requests":[]}]})";

  Record read = readRecord(kNaming, kUid, broken.spec);

  EXPECT_EQ(read.origin, Record::Origin::unreadable);
  EXPECT_EQ(read.prepared, PreparedClaim{.claim = {.uid = kUid}});
  EXPECT_THAT(read.bootId, IsEmpty());
}

TEST(RecordTest, AWrongKindABrokenAnnotationAndGarbageHoldNothing) {
  Record wrongKind = sample();
  wrongKind.spec.kind = "other/gpu";
  EXPECT_EQ(readRecord(kNaming, kUid, wrongKind.spec).origin, Record::Origin::unreadable);

  for (const char* text : {"", "{", "[]", R"({"uid":7})"}) {
    Record broken = sample();
    broken.spec.annotations["dra-driver-sim-gpu/prepared-claim"] = text;
    Record read = readRecord(kNaming, kUid, broken.spec);
    EXPECT_EQ(read.origin, Record::Origin::unreadable) << text;
    EXPECT_THAT(read.held, IsEmpty()) << text;
    EXPECT_EQ(read.prepared.claim.uid, kUid);
  }
  EXPECT_EQ(readRecord(kNaming, kUid, unexpected(Status::dataLoss("x"))).origin, Record::Origin::unreadable);
}

TEST(RecordTest, SpecsOfTheReferenceDriverHoldTheDevicesInTheirNames) {
  std::string share = "11111111-0000-4000-8000-000000000001";
  cdi::Spec spec{.kind = kNaming.kind(),
                 .devices = {{.name = std::string(kUid) + "-gpu-0", .edits = {.env = {"DRA_ADMIN_ACCESS=false"}}},
                             {.name = std::string(kUid) + "-gpu-1-" + share, .edits = {.env = {"A=1"}}},
                             {.name = std::string(kUid) + "-gpu-2", .edits = {.env = {"DRA_ADMIN_ACCESS=true"}}}}};

  Record read = readRecord(kNaming, kUid, spec);

  EXPECT_EQ(read.origin, Record::Origin::foreign);
  EXPECT_THAT(read.held, ElementsAre(HeldDevice{.device = "gpu-0"}, HeldDevice{.device = "gpu-1", .shareId = share}));
  EXPECT_THAT(read.prepared.devices, IsEmpty());
}

TEST(RecordTest, ALaterFormatIsHeldWhetherItsContentIsUnderstoodOrNot) {
  Record later = sample();
  later.spec.annotations["dra-driver-sim-gpu/format"] = "2";
  EXPECT_EQ(readRecord(kNaming, kUid, later.spec).origin, Record::Origin::newer);
  EXPECT_THAT(readRecord(kNaming, kUid, later.spec).held, ElementsAre(HeldDevice{.pool = "node-a", .device = "gpu-5"}));

  later.spec.annotations["dra-driver-sim-gpu/prepared-claim"] = "something else";
  Record read = readRecord(kNaming, kUid, later.spec);
  EXPECT_EQ(read.origin, Record::Origin::newer);
  EXPECT_THAT(read.held, ElementsAre(HeldDevice{.device = "gpu-5"}));

  later.spec.annotations["dra-driver-sim-gpu/prepared-claim"] =
      R"({"namespace":"team-a","name":"train","bootID":"boot-1","devices":"told otherwise"})";
  read = readRecord(kNaming, kUid, later.spec);
  EXPECT_EQ(read.bootId, "boot-1") << "a restart of the node still releases it";
  EXPECT_THAT(read.held, ElementsAre(HeldDevice{.device = "gpu-5"}));
}

TEST(RecordTest, WhatIsHeldOfTheHardwareComesBack) {
  HeldDevice part{.pool = "node-a",
                  .device = "gpu-0-partition-1",
                  .shareId = "s-1",
                  .parent = "gpu-0",
                  .counters = {{"memory", base::Quantity::parse("20Gi").value()}},
                  .consumed = {{"memory", base::Quantity::parse("8Gi").value()}}};
  Record record = makeRecord(kNaming, sample().prepared, {part}, "boot-1", sample().spec.devices, {});

  Record read = readRecord(kNaming, kUid, record.spec);

  EXPECT_EQ(read.origin, Record::Origin::ours);
  EXPECT_THAT(read.held, ElementsAre(part));
}

TEST(RecordTest, AmountsThatAreNoneMakeARecordUnreadable) {
  Record record = sample();
  std::string& text = record.spec.annotations["dra-driver-sim-gpu/prepared-claim"];
  text.replace(text.find(R"("held":[{)"), 9, R"("held":[{"counters":{"memory":"much"},)");

  EXPECT_EQ(readRecord(kNaming, kUid, record.spec).origin, Record::Origin::unreadable);
}

TEST(HeldDeviceTest, PartsOfOneHardwareGoTogetherAndTheWholeWithNone) {
  std::map<std::string, base::Quantity> some = {{"memory", base::Quantity::decimal(1)}};
  HeldDevice whole{.pool = "p", .device = "gpu-0"};
  HeldDevice first{.pool = "p", .device = "gpu-0-partition-0", .parent = "gpu-0", .counters = some};
  HeldDevice second{.pool = "p", .device = "gpu-0-partition-1", .parent = "gpu-0", .counters = some};
  EXPECT_TRUE(first.compatibleWith(second));
  EXPECT_FALSE(first.compatibleWith(first));
  EXPECT_FALSE(first.compatibleWith(whole));
  EXPECT_FALSE(whole.compatibleWith(first));
  EXPECT_TRUE(first.compatibleWith({.pool = "p", .device = "gpu-1"}));
}

TEST(HeldDeviceTest, OnlyDifferentSharesOfADeviceGoTogether) {
  HeldDevice whole{.pool = "p", .device = "gpu-0"};
  HeldDevice first{.pool = "p", .device = "gpu-0", .shareId = "a"};
  HeldDevice second{.pool = "p", .device = "gpu-0", .shareId = "b"};
  EXPECT_FALSE(whole.compatibleWith(whole));
  EXPECT_FALSE(whole.compatibleWith(first));
  EXPECT_FALSE(first.compatibleWith(first));
  EXPECT_TRUE(first.compatibleWith(second));
  EXPECT_TRUE(whole.compatibleWith({.pool = "q", .device = "gpu-0"}));
  EXPECT_FALSE(whole.compatibleWith({.pool = "", .device = "gpu-0"})) << "a foreign record may be of this pool";
}

TEST(UidTest, WhatCouldLeaveTheDirectoryIsNoUid) {
  EXPECT_TRUE(isUsableUid("303b27ee-0000-4000-8000-000000000001"));
  for (const char* uid : {"", "../x", "a/b", ".", "..", ".hidden", "a b", "a\n", "a_b",
                          "0123456789012345678901234567890123456789012345678901234567890123"}) {
    EXPECT_FALSE(isUsableUid(uid)) << uid;
  }
}

}  // namespace
}  // namespace simgpu::claim
