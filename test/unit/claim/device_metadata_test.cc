// Metadata files on their way through Prepare, Unprepare and restarts.

#include "unit/claim/preparer_fixture.h"

namespace simgpu::claim {
namespace {

using namespace std::chrono_literals;
using fakes::AllocationBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DeviceMetadataTest : public PreparerFixture {
 protected:
  DeviceMetadataTest() : PreparerFixture(true) {}

  void failOn(std::string_view operation, const std::filesystem::path& directory, Status status) {
    files.failWhen([=](std::string_view each, const std::filesystem::path& path) {
      return each == operation && (path == directory || path.parent_path() == directory) ? status : Status();
    });
  }

  std::vector<std::string> mountedFiles(const ClaimRef& claim) {
    std::vector<std::string> names;
    auto record = store->find(claim.uid);
    EXPECT_OK(record);
    if (record && *record) {
      for (const cdi::Device& device : (*record)->spec.devices) {
        for (const cdi::Mount& mount : device.edits.mounts) {
          names.push_back(std::filesystem::path(mount.hostPath).filename());
        }
      }
    }
    return names;
  }
};

TEST_F(DeviceMetadataTest, MetadataThatCannotBeWrittenFailsThePrepareAndLeavesNothing) {
  ClaimRef ref = claim("train", "gpu-0");
  for (const char* operation : {"createDirectories", "write", "rename"}) {
    failOn(operation, kMetadata, Status::resourceExhausted("No space left on device"));
    EXPECT_THAT(prepare(ref), Fails(Code::resourceExhausted, HasSubstr("device metadata"))) << operation;
    files.failWhen({});
    EXPECT_THAT(files.names(kRoot), IsEmpty()) << operation;
    EXPECT_THAT(files.names(kMetadata), IsEmpty()) << operation;
  }
  EXPECT_OK(prepare(ref));
}

TEST_F(DeviceMetadataTest, MetadataComesAndGoesWithTheSpec) {
  ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  EXPECT_THAT(files.names(kMetadata), ElementsAre(ref.uid + "_gpu.json"));
  EXPECT_THAT(mountedFiles(ref), ElementsAre(ref.uid + "_gpu.json"));
  EXPECT_EQ(files.info(kMetadata / (ref.uid + "_gpu.json"))->mode, 0644u);

  EXPECT_OK(unprepare(ref));
  EXPECT_THAT(files.names(kMetadata), IsEmpty());
  EXPECT_OK(unprepare(ref));
}

TEST_F(DeviceMetadataTest, WithoutTheSwitchThereIsNone) {
  open(false);
  auto prepared = prepare(claim("train", "gpu-0"));
  ASSERT_OK(prepared);
  EXPECT_THAT(prepared->devices.front().cdiIds, SizeIs(1));
  EXPECT_EQ(files.info(kMetadata).error().code(), Code::notFound);
}

TEST_F(DeviceMetadataTest, ASecondPrepareWritesNothing) {
  ClaimRef ref = claim("train", "gpu-0");
  auto first = prepare(ref);
  ASSERT_OK(first);
  auto writes = files.writes();
  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  EXPECT_EQ(files.writes(), writes);
}

TEST_F(DeviceMetadataTest, AFileThatWasDeletedOrChangedIsWrittenAgain) {
  ClaimRef ref = claim("train", "gpu-0");
  auto first = prepare(ref);
  ASSERT_OK(first);
  std::filesystem::path file = kMetadata / (ref.uid + "_gpu.json");
  std::string content = files.content(file);

  files.wipe(kMetadata);
  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  EXPECT_EQ(files.content(file), content);

  files.put(file, "half");
  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  EXPECT_EQ(files.content(file), content);
}

TEST_F(DeviceMetadataTest, AnotherAllocationTakesTheFilesOfTheFirstAway) {
  ClaimRef ref = cluster.claim("train", AllocationBuilder().device("gpu-0", "a").device("gpu-1", "b").build());
  ASSERT_OK(prepare(ref));
  cluster.reallocate("train", AllocationBuilder().device("gpu-2", "b").build());
  ASSERT_OK(prepare(ref));
  EXPECT_THAT(files.names(kMetadata), ElementsAre(ref.uid + "_b.json"));
  EXPECT_THAT(files.content(kMetadata / (ref.uid + "_b.json")), HasSubstr("gpu-2"));
}

TEST_F(DeviceMetadataTest, UnprepareThatCannotRemoveAFileFreesTheDeviceFailsAndSucceedsLater) {
  ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  failOn("remove", kMetadata, Status::permissionDenied("Operation not permitted"));
  EXPECT_THAT(unprepare(ref), Fails(Code::permissionDenied, HasSubstr("remove device metadata")));
  EXPECT_THAT(files.names(kRoot), IsEmpty());
  EXPECT_OK(prepare(claim("other", "gpu-0")));

  files.failWhen({});
  EXPECT_OK(unprepare(ref));
  EXPECT_THAT(files.names(kMetadata), SizeIs(1));
}

TEST_F(DeviceMetadataTest, TurnedOffItKeepsTheFilesOfClaimsThatHaveThemUntilTheyEnd) {
  ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  open(false);
  EXPECT_THAT(files.names(kMetadata), SizeIs(1));
  EXPECT_OK(unprepare(ref));
  EXPECT_THAT(files.names(kMetadata), IsEmpty());
}

TEST_F(DeviceMetadataTest, AStartRemovesTheFilesOfClaimsThatAreNotPreparedAndNoOthers) {
  ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  files.put(kMetadata / "gone_gpu.json", "x");
  files.put(kMetadata / "notes.txt", "x");
  open(true);
  EXPECT_THAT(files.names(kMetadata), ElementsAre(ref.uid + "_gpu.json", "notes.txt"));

  open(true, "boot-2");
  EXPECT_THAT(files.names(kMetadata), ElementsAre("notes.txt"));
}

TEST_F(DeviceMetadataTest, AClaimOfAnUnreadableSpecKeepsItsFiles) {
  ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  files.put(kRoot / ("k8s.gpu.example.com-gpu_" + ref.uid + ".yaml"), "{");
  open(true);
  EXPECT_THAT(files.names(kMetadata), SizeIs(1));
}

/// The process dies at each single file operation of a prepare, a prepare of another allocation and an unprepare.
TEST_F(DeviceMetadataTest, WhereverTheProcessDiesNoSpecMountsWhatIsNotThereAndARestartLeavesNothingOver) {
  auto life = [this](const ClaimRef& ref, const std::string& name) {
    Status ended = prepare(ref) ? Status() : Status::unavailable("dead");
    if (ended) {
      cluster.reallocate(name, AllocationBuilder().device("gpu-2", "b").build());
      ended = prepare(ref) ? Status() : Status::unavailable("dead");
    }
    return ended ? unprepare(ref) : ended;
  };
  bool survived = false;
  for (int deadline = 0; !survived; ++deadline) {
    ASSERT_LT(deadline, 200);
    std::string name = "claim-" + std::to_string(deadline);
    ClaimRef ref = cluster.claim(name, AllocationBuilder().device("gpu-0", "a").device("gpu-1", "b").build());
    int operations = 0;
    files.failWhen([&](std::string_view, const std::filesystem::path&) {
      return operations++ < deadline ? Status() : Status::unavailable("the process is dead");
    });
    survived = life(ref, name).ok();
    files.failWhen({});

    for (const std::string& file : mountedFiles(ref)) {
      EXPECT_NE(files.content(kMetadata / file), "") << deadline;
    }
    open(true);
    clock.advance(10min);
    EXPECT_OK(store->cleanUp());
    EXPECT_EQ(files.names(kMetadata).empty(), mountedFiles(ref).empty()) << deadline;
    EXPECT_OK(unprepare(ref));
    EXPECT_THAT(files.names(kMetadata), IsEmpty()) << deadline;
    EXPECT_THAT(files.names(kRoot), IsEmpty()) << deadline;
  }
}

}  // namespace
}  // namespace simgpu::claim
