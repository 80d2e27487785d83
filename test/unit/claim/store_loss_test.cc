// What the store knows of specs that somebody else deletes.

#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "simgpu/claim/store.h"

namespace simgpu::claim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::filesystem::path kRoot = "/var/run/cdi";
const SpecNaming kNaming{.driverName = "gpu.example.com", .cdiClass = "gpu"};

class StoreLossTest : public testing::Test {
 protected:
  StoreLossTest() { EXPECT_OK(files.createDirectories("/plugins", 0750)); }

  std::unique_ptr<Store> open(std::string bootId = "boot-1") {
    auto store = Store::open(
        {.naming = kNaming, .cdiRoot = kRoot, .lockFile = "/plugins/serialize.lock", .bootId = std::move(bootId)},
        files, clock, instruments, base::Logger(log, clock, {}));
    EXPECT_OK(store);
    return store ? *std::move(store) : nullptr;
  }

  static Record record(const std::string& uid) {
    PreparedClaim prepared{
        .claim = {.space = "team-a", .name = "claim-" + uid, .uid = uid},
        .devices = {{.requests = {"gpu"}, .pool = "node-a", .device = "gpu-" + uid, .shareId = "", .cdiIds = {"x"}}}};
    return makeRecord(kNaming, prepared, {{.pool = "node-a", .device = "gpu-" + uid, .shareId = ""}}, "boot-1",
                      {{.name = kNaming.deviceName(uid, "gpu-" + uid, ""), .edits = {.env = {"A=1"}}}}, {});
  }

  static std::expected<Store::Outcome, Store::Refusal> commit(Store& store, const std::string& uid) {
    auto ticket = store.begin(uid);
    return store.commit(ticket, record(uid), [] { return false; });
  }

  static std::vector<std::string> lost(Store& store) {
    EXPECT_OK(store.look());
    std::vector<std::string> uids;
    for (const ClaimRef& claim : store.lost()) {
      uids.push_back(claim.uid);
    }
    return uids;
  }

  fakes::FakeFiles files;
  fakes::FakeClock clock;
  fakes::MemoryLog log;
  metrics::Registry registry;
  Instruments instruments{registry};
};

TEST_F(StoreLossTest, WhatWasUnpreparedIsNotLost) {
  auto store = open();
  ASSERT_TRUE(commit(*store, "u-1"));
  ASSERT_OK(store->remove("u-1"));
  EXPECT_THAT(lost(*store), IsEmpty());
  EXPECT_FALSE(store->beginRestore("u-1"));
  EXPECT_FALSE(open()->hasLostEarlier());
}

TEST_F(StoreLossTest, AWipeIsNoticedByTheNextLook) {
  auto store = open();
  ASSERT_TRUE(commit(*store, "u-1"));
  ASSERT_TRUE(commit(*store, "u-2"));
  files.wipe(kRoot);
  EXPECT_THAT(lost(*store), ElementsAre("u-1", "u-2"));
  EXPECT_GT(log.count("Somebody deleted the CDI spec of a prepared claim"), 0u);
  EXPECT_TRUE(store->beginRestore("u-1"));
  EXPECT_FALSE(store->beginRestore("u-3"));
}

TEST_F(StoreLossTest, AClaimThatIsPreparedAgainOrSettledIsNoLongerLost) {
  auto store = open();
  ASSERT_TRUE(commit(*store, "u-1"));
  ASSERT_TRUE(commit(*store, "u-2"));
  files.wipe(kRoot);
  ASSERT_TRUE(commit(*store, "u-1"));
  EXPECT_THAT(lost(*store), ElementsAre("u-2"));
  store->settle("u-2");
  EXPECT_THAT(lost(*store), IsEmpty());
  EXPECT_FALSE(open()->hasLostEarlier());
}

TEST_F(StoreLossTest, AnUnprepareBeforeDuringOrAfterARestorationWins) {
  auto store = open();
  ASSERT_TRUE(commit(*store, "u-1"));
  ASSERT_TRUE(commit(*store, "u-2"));
  files.wipe(kRoot);
  ASSERT_OK(store->remove("u-1"));
  EXPECT_FALSE(store->beginRestore("u-1")) << "before";

  auto ticket = store->beginRestore("u-2");
  ASSERT_TRUE(ticket);
  ASSERT_OK(store->remove("u-2"));
  EXPECT_FALSE(store->commit(*ticket, record("u-2"), [] { return false; })) << "during";
  EXPECT_THAT(files.names(kRoot), IsEmpty());
}

TEST_F(StoreLossTest, AnotherProcessThatChangesClaimsKnowsBetter) {
  auto store = open();
  ASSERT_TRUE(commit(*store, "u-1"));
  auto other = open();
  files.wipe(kRoot);
  EXPECT_THAT(lost(*other), ElementsAre("u-1"));
  EXPECT_THAT(lost(*store), ElementsAre("u-1"));

  ASSERT_OK(other->remove("u-1"));

  EXPECT_THAT(lost(*store), IsEmpty());
  EXPECT_FALSE(open()->hasLostEarlier());
}

TEST_F(StoreLossTest, AWipeBetweenTwoProcessesIsNoticedByTheSecond) {
  ASSERT_TRUE(commit(*open(), "u-1"));
  files.wipe(kRoot);
  auto store = open();
  EXPECT_TRUE(store->hasLostEarlier());
  EXPECT_THAT(store->lost(), IsEmpty());
  EXPECT_TRUE(store->beginRestore("u-1"));

  store->settleEarlier({});

  EXPECT_FALSE(store->hasLostEarlier());
  EXPECT_FALSE(store->beginRestore("u-1"));
  EXPECT_FALSE(open()->hasLostEarlier()) << "and by no third";
}

TEST_F(StoreLossTest, WhatIsUnpreparedWhileEarlierLossesAreLookedForDoesNotComeBack) {
  ASSERT_TRUE(commit(*open(), "u-1"));
  files.wipe(kRoot);
  auto store = open();
  ASSERT_OK(store->remove("u-1"));
  ASSERT_TRUE(commit(*store, "u-3"));
  EXPECT_FALSE(store->beginRestore("u-1"));
  EXPECT_TRUE(store->beginRestore("u-2"));

  store->settleEarlier({record("u-1").prepared.claim, record("u-2").prepared.claim, record("u-3").prepared.claim});

  EXPECT_THAT(lost(*store), ElementsAre("u-2"));
  EXPECT_TRUE(open()->hasLostEarlier()) << "a third process would have to look for it, too";
}

TEST_F(StoreLossTest, AProcessThatDiesBeforeItRestoredLeavesTheLossToTheNext) {
  auto store = open();
  ASSERT_TRUE(commit(*store, "u-1"));
  files.wipe(kRoot);
  ASSERT_TRUE(commit(*store, "u-2"));
  EXPECT_TRUE(open()->hasLostEarlier());
}

TEST_F(StoreLossTest, ARebootIsNoLossAndNeitherIsACountOfAnEarlierRelease) {
  ASSERT_TRUE(commit(*open(), "u-1"));
  files.wipe(kRoot);
  EXPECT_FALSE(open("boot-2")->hasLostEarlier());

  ASSERT_OK((*files.lock("/plugins/serialize.lock", 0644, base::Files::Wait::block))->replaceContent("17"));
  auto store = open();
  EXPECT_FALSE(store->hasLostEarlier());
  ASSERT_TRUE(commit(*store, "u-1"));
  EXPECT_THAT((*files.lock("/plugins/serialize.lock", 0644, base::Files::Wait::block))->content(),
              IsOkAndHolds("18 1 boot-1"));
}

}  // namespace
}  // namespace simgpu::claim
