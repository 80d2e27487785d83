#include "simgpu/claim/store.h"

#include <future>

#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"

namespace simgpu::claim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::filesystem::path kRoot = "/var/run/cdi";
const SpecNaming kNaming{.driverName = "gpu.example.com", .cdiClass = "gpu"};

const std::function<bool()> kStillWanted = [] { return false; };

class StoreTest : public testing::Test {
 protected:
  metrics::Registry registry;
  Instruments instruments{registry};

  StoreTest() { EXPECT_OK(files.createDirectories("/plugins/gpu.example.com", 0750)); }

  std::unique_ptr<Store> open(std::string bootId = "boot-1") {
    auto store = Store::open({.naming = kNaming,
                              .cdiRoot = kRoot,
                              .lockFile = "/plugins/gpu.example.com/serialize.lock",
                              .bootId = std::move(bootId)},
                             files, clock, instruments, base::Logger(log, clock, {}));
    EXPECT_OK(store);
    return store ? *std::move(store) : nullptr;
  }

  static Record record(const std::string& uid, const std::string& device, const std::string& shareId = "",
                       const std::string& bootId = "boot-1") {
    PreparedClaim prepared{
        .claim = {.space = "team-a", .name = "claim-" + uid, .uid = uid},
        .devices = {{.requests = {"gpu"}, .pool = "node-a", .device = device, .shareId = shareId, .cdiIds = {"x"}}}};
    return makeRecord(kNaming, prepared, {{.pool = "node-a", .device = device, .shareId = shareId}}, bootId,
                      {{.name = kNaming.deviceName(uid, device, shareId), .edits = {.env = {"A=1"}}}}, {});
  }

  static std::expected<Store::Outcome, Store::Refusal> commit(Store& store, const Record& record) {
    auto ticket = store.begin(record.prepared.claim.uid);
    return store.commit(ticket, record, kStillWanted);
  }

  static std::vector<std::string> uids(Store& store) {
    std::vector<std::string> all;
    auto records = store.records();
    EXPECT_OK(records);
    for (const Record& entry : *records) {
      all.push_back(entry.prepared.claim.uid);
    }
    return all;
  }

  fakes::FakeFiles files;
  fakes::FakeClock clock;
  fakes::MemoryLog log;
};

TEST_F(StoreTest, ACommittedClaimIsFoundByTheNextProcess) {
  ASSERT_TRUE(commit(*open(), record("u-1", "gpu-0")));
  files.losePower();

  auto found = open()->find("u-1");

  ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->prepared, record("u-1", "gpu-0").prepared);
}

TEST_F(StoreTest, ARemovedClaimIsGoneForEver) {
  auto store = open();
  ASSERT_TRUE(commit(*store, record("u-1", "gpu-0")));

  EXPECT_OK(store->remove("u-1"));
  EXPECT_OK(store->remove("u-1"));
  files.losePower();

  EXPECT_THAT(uids(*store), IsEmpty());
  EXPECT_THAT(uids(*open()), IsEmpty());
}

TEST_F(StoreTest, ADeviceOfAnotherClaimIsRefusedNamingTheHolder) {
  auto store = open();
  ASSERT_TRUE(commit(*store, record("u-1", "gpu-0")));

  auto refused = commit(*store, record("u-2", "gpu-0"));

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().status, Fails(Code::failedPrecondition, HasSubstr("gpu-0 is in use by ResourceClaim "
                                                                                "team-a/claim-u-1 (UID u-1)")));
  EXPECT_EQ(refused.error().holder->claim.uid, "u-1");
  EXPECT_THAT(files.names(kRoot), ElementsAre(kNaming.fileName("u-1"))) << "no temporary file stays";
}

TEST_F(StoreTest, TheSameClaimMayBePreparedAnewOnTheSameDevice) {
  auto store = open();
  ASSERT_TRUE(commit(*store, record("u-1", "gpu-0")));
  EXPECT_TRUE(commit(*store, record("u-1", "gpu-0")));
  EXPECT_TRUE(commit(*store, record("u-1", "gpu-1")));
  EXPECT_TRUE(commit(*store, record("u-2", "gpu-0"))) << "it let go of gpu-0";
}

TEST_F(StoreTest, TwoSharesOfADeviceGoTogether) {
  auto store = open();
  EXPECT_TRUE(commit(*store, record("u-1", "gpu-0", "s-1")));
  EXPECT_TRUE(commit(*store, record("u-2", "gpu-0", "s-2")));
  EXPECT_FALSE(commit(*store, record("u-3", "gpu-0", "s-2")));
  EXPECT_FALSE(commit(*store, record("u-4", "gpu-0")));
}

TEST_F(StoreTest, WhatAPartitionTookOfItsGpuIsNotHandedOutTwice) {
  auto inventory = *device::Inventory::create(
      *device::Profile::embedded("gpu"), {.nodeName = "node-a", .driverName = "gpu.example.com", .gpuPartitions = 4});
  auto open = [&] {
    return *Store::open({.naming = kNaming,
                         .cdiRoot = kRoot,
                         .lockFile = "/plugins/gpu.example.com/serialize.lock",
                         .bootId = "boot-1",
                         .inventory = &inventory},
                        files, clock, instruments, base::Logger(log, clock, {}));
  };
  auto of = [&](const std::string& uid, const std::string& name) {
    const device::Device& device = *inventory.find(name);
    return makeRecord(kNaming, record(uid, name).prepared,
                      {{.pool = "node-a", .device = name, .parent = device.parent, .counters = device.counters}},
                      "boot-1", {{.name = kNaming.deviceName(uid, name, ""), .edits = {.env = {"A=1"}}}}, {});
  };
  ASSERT_TRUE(commit(*open(), of("u-1", "gpu-0-partition-1")));
  auto store = open();

  auto refused = commit(*store, of("u-2", "gpu-0-full"));

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().status,
              Fails(Code::failedPrecondition,
                    "device gpu-0-full needs 100 compute of gpu-0, which has 75 left; gpu-0-partition-1 is in use by "
                    "ResourceClaim team-a/claim-u-1 (UID u-1), which has not been unprepared on this node"));
  EXPECT_EQ(refused.error().holder->claim.uid, "u-1");
  EXPECT_TRUE(commit(*store, of("u-3", "gpu-0-partition-0")));
  EXPECT_OK(store->remove("u-1"));
  EXPECT_FALSE(commit(*store, of("u-2", "gpu-0-full")));
  EXPECT_OK(store->remove("u-3"));
  EXPECT_TRUE(commit(*store, of("u-2", "gpu-0-full")));
}

TEST_F(StoreTest, AnUnprepareCancelsAPrepareThatHasNotCommitted) {
  auto store = open();
  auto ticket = store->begin("u-1");
  ASSERT_OK(store->remove("u-1"));

  auto refused = store->commit(ticket, record("u-1", "gpu-0"), kStillWanted);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status.code(), Code::cancelled);
  EXPECT_THAT(files.names(kRoot), IsEmpty());
  EXPECT_TRUE(commit(*store, record("u-1", "gpu-0"))) << "a later Prepare is a new one";
}

TEST_F(StoreTest, ACallerWhoHasGivenUpGetsNothingCommitted) {
  auto store = open();
  auto ticket = store->begin("u-1");
  auto refused = store->commit(ticket, record("u-1", "gpu-0"), [] { return true; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status.code(), Code::cancelled);
  EXPECT_THAT(files.names(kRoot), IsEmpty());
}

TEST_F(StoreTest, AnotherProcessSeesEveryChangeAtOnce) {
  auto first = open();
  auto second = open();
  ASSERT_TRUE(commit(*first, record("u-1", "gpu-0")));

  EXPECT_THAT(uids(*second), ElementsAre("u-1"));
  EXPECT_FALSE(commit(*second, record("u-2", "gpu-0")));
  EXPECT_OK(second->remove("u-1"));
  EXPECT_TRUE(commit(*first, record("u-2", "gpu-0")));
}

TEST_F(StoreTest, WhatAnotherProcessPreparedMeanwhileIsAnsweredAndNotWrittenAgain) {
  auto one = open();
  auto other = open();
  ASSERT_TRUE(commit(*one, record("u-1", "gpu-0")));
  auto writes = files.writes();
  files.failWhen([](std::string_view operation, const std::filesystem::path&) {
    return operation == "write" ? Status::resourceExhausted("No space left on device") : Status();
  });

  EXPECT_EQ(commit(*other, record("u-1", "gpu-0")), Store::Outcome::already);
  EXPECT_EQ(commit(*other, record("u-1", "gpu-0")), Store::Outcome::already) << "now that it knows of it, too";
  EXPECT_FALSE(commit(*other, record("u-1", "gpu-1")));

  EXPECT_EQ(files.writes(), writes);
}

TEST_F(StoreTest, ACommitTakesTheLockOnceAndOneWithNothingToWriteOnlyLooks) {
  auto store = open();
  std::vector<std::string> operations;
  files.failWhen([&](std::string_view operation, const std::filesystem::path&) {
    operations.emplace_back(operation);
    return Status();
  });

  EXPECT_EQ(commit(*store, record("u-1", "gpu-0")), Store::Outcome::written);
  EXPECT_THAT(operations, ElementsAre("write", "lock", "readLock", "info", "link", "rename", "info", "writeLock",
                                      "info", "syncDirectory"));

  operations.clear();
  EXPECT_EQ(commit(*store, record("u-1", "gpu-0")), Store::Outcome::already);
  EXPECT_THAT(operations, ElementsAre("lock", "readLock", "info", "info"));
}

TEST_F(StoreTest, ADirectoryThatSomebodyWipedIsNoticed) {
  auto store = open();
  ASSERT_TRUE(commit(*store, record("u-1", "gpu-0")));
  files.wipe(kRoot);
  EXPECT_THAT(uids(*store), IsEmpty());
  EXPECT_TRUE(commit(*store, record("u-2", "gpu-0")));
}

TEST_F(StoreTest, WhatAFormerBootPreparedIsRemovedAndHoldsNothing) {
  ASSERT_TRUE(commit(*open("boot-0"), record("u-1", "gpu-0", "", "boot-0")));

  auto store = open("boot-1");

  EXPECT_THAT(uids(*store), IsEmpty());
  EXPECT_THAT(files.names(kRoot), IsEmpty());
  EXPECT_TRUE(commit(*store, record("u-2", "gpu-0")));
}

TEST_F(StoreTest, ForeignAndUnreadableFilesDoNotStopTheOthers) {
  files.put(kRoot / kNaming.fileName("u-1"), "}garbage{");
  files.put(kRoot / "k8s.gpu.example.com-gpu_common.yaml", "x");
  files.put(kRoot / "somebody-elses.yaml", "x");
  files.put(
      kRoot / kNaming.fileName("u-2"),
      "cdiVersion: 0.3.0\nkind: k8s.gpu.example.com/gpu\ndevices:\n- name: u-2-gpu-3\n  containerEdits:\n    env: "
      "[\"A=1\"]\n");

  auto store = open();

  EXPECT_THAT(uids(*store), ElementsAre("u-1", "u-2"));
  EXPECT_FALSE(commit(*store, record("u-3", "gpu-3"))) << "the reference driver has prepared it";
  EXPECT_TRUE(commit(*store, record("u-1", "gpu-1"))) << "an unreadable spec affects its claim only";
  EXPECT_OK(store->remove("u-2"));
  EXPECT_TRUE(commit(*store, record("u-3", "gpu-3")));
  EXPECT_EQ(log.count("Cannot understand a CDI spec"), 1u);
}

TEST_F(StoreTest, ADirectoryInThePlaceOfASpecIsNoneAndStays) {
  auto path = kRoot / kNaming.fileName("u-1");
  ASSERT_OK(files.createDirectories(path, 0755));
  auto store = open();

  EXPECT_THAT(uids(*store), IsEmpty());
  EXPECT_THAT(store->remove("u-1"), IsOkAndHolds(false));
  EXPECT_EQ(files.info(path)->kind, base::FileInfo::Kind::directory);
}

TEST_F(StoreTest, ARecordOfALaterReleaseIsHeldNeverRewrittenAndRemovable) {
  Record later = record("u-1", "gpu-0");
  later.spec.annotations["dra-driver-sim-gpu/format"] = "2";
  files.put(kRoot / kNaming.fileName("u-1"), cdi::render(later.spec));
  auto store = open();

  auto refused = commit(*store, record("u-1", "gpu-1"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().status, Fails(Code::failedPrecondition, HasSubstr("later release")));
  EXPECT_FALSE(commit(*store, record("u-2", "gpu-0")));
  auto writes = files.writes();
  EXPECT_EQ(commit(*store, record("u-1", "gpu-0")), Store::Outcome::already) << "though its spec differs";
  EXPECT_EQ(files.writes(), writes);
  EXPECT_OK(store->remove("u-1"));
  EXPECT_TRUE(commit(*store, record("u-2", "gpu-0")));
}

TEST_F(StoreTest, AFailedRenameLeavesTheOldStateAndNoTemporary) {
  auto store = open();
  files.failWhen([](std::string_view operation, const std::filesystem::path&) {
    return operation == "rename" ? Status::resourceExhausted("No space left on device") : Status();
  });

  auto refused = commit(*store, record("u-1", "gpu-0"));
  files.failWhen({});

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().status, Fails(Code::resourceExhausted, HasSubstr(kNaming.fileName("u-1"))));
  EXPECT_THAT(files.names(kRoot), IsEmpty());
  EXPECT_THAT(uids(*store), IsEmpty());
}

TEST_F(StoreTest, AClaimWhoseSyncFailedIsAnsweredOnlyOnceItIsDurable) {
  auto store = open();
  files.failWhen([](std::string_view operation, const std::filesystem::path&) {
    return operation == "syncDirectory" ? Status::unavailable("Input/output error") : Status();
  });
  EXPECT_FALSE(commit(*store, record("u-1", "gpu-0")));
  EXPECT_THAT(store->find("u-1"), Fails(Code::unavailable, HasSubstr("Input/output error")));

  files.failWhen({});
  auto found = store->find("u-1");
  ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  files.losePower();
  EXPECT_THAT(uids(*open()), ElementsAre("u-1"));
}

TEST_F(StoreTest, StartingAndCleaningUpRemoveTemporariesThatAKilledProcessLeft) {
  auto temporary = kRoot / ("." + kNaming.fileName("u-1") + ".1.tmp");
  files.put(temporary, "half");
  files.put(kRoot / ".foreign.tmp", "x");
  auto store = open();
  EXPECT_THAT(files.names(kRoot), ElementsAre(".foreign.tmp"));

  files.put(temporary, "half");
  EXPECT_THAT(store->cleanUp(), IsOkAndHolds(true));
  EXPECT_THAT(files.names(kRoot), ElementsAre(".foreign.tmp"));
}

TEST_F(StoreTest, TheReferenceDriversSharedFileStaysAsLongAsItsClaims) {
  files.put(kRoot / kNaming.fileName("common"), "x");
  files.put(kRoot / kNaming.fileName("u-1"),
            "cdiVersion: 0.3.0\nkind: k8s.gpu.example.com/gpu\ndevices:\n- name: u-1-gpu-3\n  containerEdits: {}\n");
  auto store = open();
  EXPECT_THAT(store->cleanUp(), IsOkAndHolds(false));
  EXPECT_EQ(files.names(kRoot).size(), 2u);

  EXPECT_THAT(store->remove("u-1"), IsOkAndHolds(true));

  EXPECT_THAT(store->cleanUp(), IsOkAndHolds(true));
  EXPECT_THAT(files.names(kRoot), IsEmpty());
}

TEST_F(StoreTest, ALockThatIsNeverGivenBackIsNamed) {
  auto store = open();
  auto lock = files.lock("/plugins/gpu.example.com/serialize.lock", 0644, base::Files::Wait::tryOnce);
  ASSERT_OK(lock);

  auto found = std::async(std::launch::async, [&] { return store->find("u-1"); });
  while (found.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (clock.awaitWaiters(1, base::Clock::Duration::max(), std::chrono::milliseconds(10))) {
      clock.advance(std::chrono::seconds(1));
    }
  }

  EXPECT_THAT(found.get(), Fails(Code::unavailable, HasSubstr("serialize.lock")));
}

TEST_F(StoreTest, ASpecThatSomebodyRemovedByHandIsNotAnswered) {
  auto store = open();
  ASSERT_TRUE(commit(*store, record("u-1", "gpu-0")));
  files.failWhen([](std::string_view operation, const std::filesystem::path& path) {
    return operation == "info" && path.extension() == ".yaml" ? Status::notFound("gone") : Status();
  });
  auto found = store->find("u-1");
  files.failWhen({});
  ASSERT_OK(found);
  EXPECT_FALSE(found->has_value());
}

TEST_F(StoreTest, ARunOutOfFileDescriptorsForgetsNobody) {
  ASSERT_TRUE(commit(*open(), record("u-1", "gpu-0")));
  auto store = open();
  files.put(kRoot / kNaming.fileName("u-2"), cdi::render(record("u-2", "gpu-1").spec));
  files.failWhen([](std::string_view operation, const std::filesystem::path&) {
    return operation == "read" ? Status::resourceExhausted("Too many open files") : Status();
  });
  EXPECT_FALSE(commit(*store, record("u-3", "gpu-1")));
  files.failWhen({});
  EXPECT_FALSE(commit(*store, record("u-3", "gpu-1"))) << "u-2 has it";
  EXPECT_FALSE(commit(*store, record("u-3", "gpu-0"))) << "u-1 has it";
}

TEST_F(StoreTest, ARootThatIsAFileAndALockThatCannotBeTakenAreNamed) {
  files.put("/etc/file", "");
  auto store =
      Store::open({.naming = kNaming, .cdiRoot = "/etc/file", .lockFile = "/x"}, files, clock, instruments, {});
  EXPECT_THAT(store, Fails(Code::failedPrecondition, HasSubstr("/etc/file")));

  store = Store::open({.naming = kNaming, .cdiRoot = kRoot, .lockFile = "/missing/serialize.lock"}, files, clock,
                      instruments, {});
  EXPECT_THAT(store, Fails(Code::notFound, HasSubstr("/missing/serialize.lock")));
}

}  // namespace
}  // namespace simgpu::claim
