#include "simgpu/base/staged_file.h"

#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"

namespace simgpu::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kLongAfter = Clock::WallTime::max();

/// On file systems that have files without names, and on others.
class StagedFileTest : public testing::TestWithParam<bool> {
 protected:
  StagedFileTest() {
    EXPECT_OK(files.createDirectories("/d", 0755));
    files.supportUnnamed(GetParam());
  }

  fakes::FakeFiles files;
};

INSTANTIATE_TEST_SUITE_P(, StagedFileTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Unnamed" : "Named"; });

TEST_P(StagedFileTest, NothingIsStagedInADirectoryThatIsMissing) {
  EXPECT_THAT(StagedFile::write(files, "/missing/a.json", "x", 0644), Fails(Code::notFound, testing::_));
}

TEST_P(StagedFileTest, WhatCannotBeWrittenLeavesNothing) {
  files.failWhen([](std::string_view operation, const auto&) {
    return operation == "write" ? Status::resourceExhausted("No space left on device") : Status();
  });
  EXPECT_THAT(StagedFile::write(files, "/d/a.json", "x", 0644), Fails(Code::resourceExhausted, testing::_));
  EXPECT_THAT(files.names("/d"), IsEmpty());
}

TEST_P(StagedFileTest, ItsNameAppearsWithTheCommit) {
  auto staged = StagedFile::write(files, "/d/a.json", "x", 0644);
  ASSERT_OK(staged);
  EXPECT_EQ(files.content("/d/a.json"), "");

  EXPECT_OK(staged->commit());

  EXPECT_THAT(files.names("/d"), ElementsAre("a.json"));
  EXPECT_EQ(files.content("/d/a.json"), "x");
}

TEST_P(StagedFileTest, WithoutACommitItGoesAndSoDoesOneThatFailed) {
  files.put("/d/a.json", "old");
  {
    auto staged = StagedFile::write(files, "/d/a.json", "new", 0644);
    ASSERT_OK(staged);
    files.failWhen([](std::string_view operation, const auto&) {
      return operation == "rename" ? Status::permissionDenied("Read-only file system") : Status();
    });
    EXPECT_EQ(staged->commit().code(), Code::permissionDenied);
  }
  EXPECT_THAT(files.names("/d"), ElementsAre("a.json"));
  EXPECT_EQ(files.content("/d/a.json"), "old");
}

TEST_P(StagedFileTest, TwoOfTheSameNameDoNotMeet) {
  auto first = StagedFile::write(files, "/d/a.json", "1", 0644);
  auto second = StagedFile::write(files, "/d/a.json", "2", 0644);
  EXPECT_THAT(files.names("/d"), SizeIs(GetParam() ? 0 : 2));
  EXPECT_OK(second->commit());
  EXPECT_OK(first->commit());
  EXPECT_EQ(files.content("/d/a.json"), "1");
}

TEST_P(StagedFileTest, AProcessThatDiesInBetweenLeavesAtMostATemporary) {
  for (const char* operation : {"link", "rename"}) {
    auto staged = StagedFile::write(files, "/d/a.json", "x", 0644);
    ASSERT_OK(staged);
    files.failWhen([=](std::string_view now, const auto&) {
      return now == operation || now == "remove" ? Status::unavailable("the process is dead") : Status();
    });
    EXPECT_FALSE(GetParam() && staged->commit()) << operation;
  }
  files.failWhen({});
  EXPECT_EQ(files.content("/d/a.json"), "");

  EXPECT_OK(removeTemporaries(files, "/d", "a", kLongAfter));

  EXPECT_THAT(files.names("/d"), IsEmpty());
}

TEST_P(StagedFileTest, TheTargetIsReadFromATemporaryNameOnly) {
  std::string name = temporaryName("u-1_gpu.json");
  EXPECT_TRUE(targetOfTemporary(name).starts_with("u-1_gpu.json.")) << name;
  for (const char* other : {"", ".", ".tmp", "..tmp", "a.tmp", ".a.json", "u-1_gpu.json"}) {
    EXPECT_EQ(targetOfTemporary(other), "") << other;
  }
}

TEST_P(StagedFileTest, OnlyOldTemporariesOfThePrefixAreRemoved) {
  for (const char* name : {"/d/.a_1.json.x.tmp", "/d/.b_1.json.x.tmp", "/d/a_1.json", "/d/.tmp"}) {
    files.put(name, "x");
  }
  EXPECT_OK(removeTemporaries(files, "/d", "a_", Clock::WallTime()));
  EXPECT_THAT(files.names("/d"), SizeIs(4));

  EXPECT_OK(removeTemporaries(files, "/d", "a_", kLongAfter));
  EXPECT_THAT(files.names("/d"), ElementsAre(".b_1.json.x.tmp", ".tmp", "a_1.json"));
  EXPECT_OK(removeTemporaries(files, "/missing", "", kLongAfter));
}

}  // namespace
}  // namespace simgpu::base
