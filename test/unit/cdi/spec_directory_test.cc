#include "simgpu/cdi/spec_directory.h"

#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"
#include "fakes/temporary_directory.h"
#include "unit/cdi/spec_builder.h"

namespace simgpu::cdi {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kRoot = "/var/run/cdi";
constexpr base::Clock::WallTime kLongAfter = base::Clock::WallTime(std::chrono::years(100));
constexpr const char* kName = "k8s.gpu.example.com-gpu_u1.yaml";

class SpecDirectoryTest : public testing::Test {
 protected:
  SpecDirectoryTest() : directory(*SpecDirectory::open(files, kRoot)) {}

  Status write(std::string_view name, const Spec& spec) {
    auto staged = directory.stage(name, spec);
    if (!staged) {
      return staged.error();
    }
    Status committed = directory.commit(std::move(*staged));
    return committed ? directory.sync() : committed;
  }

  /// Fails operations of one name.
  void failOn(std::string_view operation, Status with) {
    files.failWhen(
        [=](std::string_view now, const std::filesystem::path&) { return now == operation ? with : Status(); });
  }

  std::vector<std::string> names() const { return files.names(kRoot); }

  fakes::FakeFiles files;
  SpecDirectory directory;
};

TEST_F(SpecDirectoryTest, ADirectoryThatCannotBeWrittenIsNamedAtOnce) {
  failOn("write", Status::permissionDenied("Read-only file system"));

  EXPECT_THAT(SpecDirectory::open(files, "/etc/cdi"),
              Fails(Code::permissionDenied, AllOf(HasSubstr("/etc/cdi"), HasSubstr("Read-only"))));
}

TEST_F(SpecDirectoryTest, APathThatIsAFileIsNamedAtOnce) {
  files.put("/var/run/cdi/file", "x");

  EXPECT_THAT(SpecDirectory::open(files, "/var/run/cdi/file"),
              Fails(Code::failedPrecondition, HasSubstr("/var/run/cdi/file")));
}

TEST_F(SpecDirectoryTest, OpeningLeavesNothingBehind) {
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(SpecDirectoryTest, AStagedSpecIsADotFileThatNoRuntimeReads) {
  files.supportUnnamed(false);
  auto staged = directory.stage(kName, claimSpec());

  ASSERT_OK(staged);
  EXPECT_THAT(names(), ElementsAre(AllOf(StartsWith(std::string(".") + kName + "."), EndsWith(".tmp"))));
  EXPECT_THAT(*directory.list(""), IsEmpty());
}

TEST_F(SpecDirectoryTest, AStagedSpecThatIsDroppedIsRemoved) {
  ASSERT_OK(directory.stage(kName, claimSpec()));

  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(SpecDirectoryTest, AStagedSpecCanBeMoved) {
  files.supportUnnamed(false);
  auto first = directory.stage(kName, claimSpec());
  auto second = directory.stage("other.yaml", claimSpec());
  ASSERT_OK(first);
  ASSERT_OK(second);

  *first = std::move(*second);

  EXPECT_THAT(names(), ElementsAre(StartsWith(".other.yaml.")));
  EXPECT_OK(directory.commit(std::move(*first)));
  EXPECT_THAT(names(), ElementsAre("other.yaml"));
}

TEST_F(SpecDirectoryTest, TwoStagesOfOneNameDoNotShareAFile) {
  auto first = directory.stage(kName, claimSpec());
  auto second = directory.stage(kName, smallSpec());
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_OK(directory.commit(std::move(*second)));
  EXPECT_OK(directory.commit(std::move(*first)));

  EXPECT_THAT(directory.read(kName), IsOkAndHolds(claimSpec()));
}

TEST_F(SpecDirectoryTest, ACrashBetweenStageAndCommitLeavesOnlyATemporaryThatTheNextStartRemoves) {
  files.supportUnnamed(false);
  {
    auto staged = directory.stage(kName, claimSpec());
    ASSERT_OK(staged);
    failOn("remove", Status::unavailable("the process is dead"));
  }
  files.failWhen({});
  files.put("/var/run/cdi/.other_u1.yaml.1.tmp", "x");
  files.put("/var/run/cdi/spec.123.tmp", "x");
  ASSERT_EQ(names().size(), 3);
  EXPECT_THAT(*directory.list(""), IsEmpty());

  EXPECT_OK(directory.removeTemporaries("k8s.gpu.example.com-gpu_", kLongAfter));

  EXPECT_THAT(names(), ElementsAre(".other_u1.yaml.1.tmp", "spec.123.tmp"));
}

TEST_F(SpecDirectoryTest, StagingDoesNotChangeTheDirectory) {
  auto before = directory.modified();
  auto staged = directory.stage(kName, claimSpec());
  ASSERT_OK(staged);
  EXPECT_EQ(*directory.modified(), *before);
}

TEST_F(SpecDirectoryTest, AWriteIsSyncedThenRenamedThenTheDirectoryIsSynced) {
  std::vector<std::string> operations;
  files.failWhen([&](std::string_view operation, const std::filesystem::path&) {
    operations.emplace_back(operation);
    return Status();
  });

  ASSERT_OK(write(kName, claimSpec()));

  EXPECT_THAT(operations, ElementsAre("write", "link", "rename", "syncDirectory"));
  files.losePower();
  EXPECT_THAT(directory.read(kName), IsOkAndHolds(claimSpec()));
}

TEST_F(SpecDirectoryTest, AFailedWriteKeepsTheSpecThatWasThere) {
  ASSERT_OK(write(kName, smallSpec()));
  for (const char* operation : {"write", "link", "rename"}) {
    failOn(operation, Status::resourceExhausted("No space left on device"));

    EXPECT_THAT(write(kName, claimSpec()), Fails(Code::resourceExhausted, AllOf(HasSubstr(kName), HasSubstr("space"))));

    files.failWhen({});
    EXPECT_THAT(directory.read(kName), IsOkAndHolds(smallSpec()));
    EXPECT_THAT(names(), ElementsAre(kName));
  }
}

TEST_F(SpecDirectoryTest, ADirectoryThatCannotBeSyncedIsAnError) {
  failOn("syncDirectory", Status::unavailable("Input/output error"));

  EXPECT_THAT(write(kName, claimSpec()), Fails(Code::unavailable, HasSubstr("Input/output error")));
}

TEST_F(SpecDirectoryTest, ADeletedDirectoryIsCreatedAnewByTheNextStage) {
  files.wipe(kRoot);

  EXPECT_OK(write(kName, claimSpec()));
  EXPECT_THAT(names(), ElementsAre(kName));
}

TEST_F(SpecDirectoryTest, ADirectoryWipedBeforeTheCommitTakesTheSpecOrItIsNotFound) {
  for (bool unnamed : {true, false}) {
    files.supportUnnamed(unnamed);
    auto staged = directory.stage(kName, claimSpec());
    ASSERT_OK(staged);
    files.wipe(kRoot);

    Status committed = directory.commit(std::move(*staged));

    EXPECT_EQ(committed.code(), unnamed ? Code::ok : Code::notFound) << committed.message();
  }
}

TEST_F(SpecDirectoryTest, ADeletedDirectoryIsEmpty) {
  ASSERT_OK(write(kName, claimSpec()));
  files.wipe(kRoot);

  EXPECT_THAT(*directory.list(""), IsEmpty());
  EXPECT_OK(directory.remove(kName));
  EXPECT_OK(directory.removeTemporaries("", kLongAfter));
  EXPECT_THAT(directory.read(kName), Fails(Code::notFound, HasSubstr(kName)));
}

TEST_F(SpecDirectoryTest, NamesThatLeadElsewhereAreRefused) {
  const std::vector<std::string> names = {
      "", ".yaml", ".a.yaml", "../a.yaml", "a/b.yaml", "/a.yaml", "a.txt", "a", std::string("a\0.yaml", 7)};
  for (const std::string& name : names) {
    EXPECT_THAT(directory.stage(name, claimSpec()), Fails(Code::invalidArgument, testing::_)) << name;
    EXPECT_THAT(directory.remove(name), Fails(Code::invalidArgument, testing::_)) << name;
    EXPECT_THAT(directory.read(name), Fails(Code::invalidArgument, testing::_)) << name;
  }
  EXPECT_THAT(directory.stage("a.json", claimSpec()), Fails(Code::invalidArgument, HasSubstr(".yaml")));
  EXPECT_THAT(directory.stage(std::string(300, 'a') + ".yaml", claimSpec()), Fails(Code::invalidArgument, testing::_));
}

TEST_F(SpecDirectoryTest, ASpecThatTheRuntimeWouldRefuseIsNeverWritten) {
  Spec spec = claimSpec();
  spec.devices.clear();

  EXPECT_THAT(directory.stage(kName, spec), Fails(Code::invalidArgument, HasSubstr(kName)));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(SpecDirectoryTest, OnlySpecsWithThePrefixAreListed) {
  ASSERT_OK(write("p_b.yaml", claimSpec()));
  files.put("/var/run/cdi/p_a.yaml", "a: [");
  files.put("/var/run/cdi/p_c.json", "{}");
  files.put("/var/run/cdi/p_d.txt", "x");
  files.put("/var/run/cdi/q.yaml", "x");

  auto entries = directory.list("p_");

  ASSERT_OK(entries);
  std::vector<std::string> listed;
  for (const SpecEntry& entry : *entries) {
    listed.push_back(entry.name);
  }
  EXPECT_THAT(listed, ElementsAre("p_a.yaml", "p_b.yaml", "p_c.json"));
}

TEST_F(SpecDirectoryTest, AReplacedFileIsListedWithAnotherInfo) {
  ASSERT_OK(write(kName, claimSpec()));
  auto before = directory.list("");
  ASSERT_OK(write(kName, claimSpec()));
  auto after = directory.list("");

  ASSERT_OK(before);
  EXPECT_NE(before->front().info, after->front().info);
}

TEST_F(SpecDirectoryTest, AFileThatCannotBeUnderstoodIsReportedWithItsPath) {
  files.put("/var/run/cdi/p_a.yaml", "a: [");
  EXPECT_THAT(directory.read("p_a.yaml"),
              Fails(Code::dataLoss, AllOf(HasSubstr("/var/run/cdi/p_a.yaml"), HasSubstr("line 1"))));
}

TEST_F(SpecDirectoryTest, AYoungTemporaryMayBelongToARunningProcess) {
  files.put("/var/run/cdi/.p_a.yaml.1.tmp", "x");
  EXPECT_OK(directory.removeTemporaries("p_", base::Clock::WallTime()));
  EXPECT_THAT(names(), ElementsAre(".p_a.yaml.1.tmp"));
}

TEST_F(SpecDirectoryTest, RemovingTwiceIsSuccessAndDurable) {
  ASSERT_OK(write(kName, claimSpec()));

  EXPECT_OK(directory.remove(kName));
  EXPECT_OK(directory.remove(kName));
  EXPECT_OK(directory.sync());
  files.losePower();

  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(SpecDirectoryTest, ARemoveThatFailsSaysSo) {
  ASSERT_OK(write(kName, claimSpec()));
  failOn("remove", Status::permissionDenied("Operation not permitted"));

  EXPECT_THAT(directory.remove(kName), Fails(Code::permissionDenied, HasSubstr(kName)));
}

TEST_F(SpecDirectoryTest, EveryChangeOfANameIsNoticed) {
  auto before = directory.modified();
  ASSERT_OK(write(kName, claimSpec()));
  auto written = directory.modified();
  ASSERT_OK(directory.remove(kName));
  auto removed = directory.modified();

  ASSERT_OK(before);
  EXPECT_NE(*before, *written);
  EXPECT_NE(*written, *removed);
}

TEST(SpecDirectoryBehindALink, EveryChangeOfANameIsNoticed) {
  fakes::TemporaryDirectory temporary;
  auto target = temporary.path() / "target";
  std::filesystem::create_directory(target);
  std::filesystem::create_directory_symlink(target, temporary.path() / "cdi");
  base::PosixFiles files;
  auto directory = SpecDirectory::open(files, temporary.path() / "cdi");
  ASSERT_OK(directory);
  auto before = directory->modified();
  ASSERT_OK(before);

  std::filesystem::last_write_time(target, std::filesystem::last_write_time(target) + std::chrono::seconds(1));

  EXPECT_THAT(directory->modified(), IsOkAndHolds(*before + 1'000'000'000));
}

}  // namespace
}  // namespace simgpu::cdi
