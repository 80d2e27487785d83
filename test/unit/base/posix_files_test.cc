#include <fstream>
#include <future>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/result_matchers.h"
#include "fakes/temporary_directory.h"
#include "simgpu/base/files.h"

namespace simgpu::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PosixFilesTest : public testing::Test {
 protected:
  fakes::TemporaryDirectory directory;
  std::filesystem::path root = directory.path();
  PosixFiles files;
};

TEST_F(PosixFilesTest, WhatIsMissingIsNotFoundAndNamesThePath) {
  EXPECT_THAT(files.read(root / "x"), Fails(Code::notFound, HasSubstr((root / "x").string())));
  EXPECT_THAT(files.list(root / "x"), Fails(Code::notFound, HasSubstr("list")));
  EXPECT_THAT(files.info(root / "x"), Fails(Code::notFound, HasSubstr("stat")));
  EXPECT_OK(files.remove(root / "x"));
}

TEST_F(PosixFilesTest, WrittenContentIsReadBackWithTheModeAskedForWhateverTheUmask) {
  mode_t before = umask(0077);
  EXPECT_OK(files.write(root / "a", "hello", 0644));
  EXPECT_OK(files.createDirectories(root / "d/e", 0755));
  umask(before);

  EXPECT_THAT(files.read(root / "a"), IsOkAndHolds("hello"));
  EXPECT_EQ(files.info(root / "a")->mode, 0644u);
  EXPECT_EQ(files.info(root / "d")->mode, 0755u);
  EXPECT_EQ(files.info(root / "d/e")->kind, FileInfo::Kind::directory);
}

TEST_F(PosixFilesTest, WritingNeverFollowsALink) {
  ASSERT_OK(files.write(root / "target", "precious", 0600));
  std::filesystem::create_symlink(root / "target", root / "link");

  EXPECT_THAT(files.write(root / "link", "x", 0600), Fails(Code::failedPrecondition, HasSubstr("link")));
  EXPECT_THAT(files.read(root / "target"), IsOkAndHolds("precious"));
}

TEST_F(PosixFilesTest, AFileWithoutANameShowsWhenItIsLinkedAndOnlyThen) {
  mode_t umask = ::umask(0077);
  auto dropped = files.writeUnnamed(root, "dropped", 0644);
  auto kept = files.writeUnnamed(root, "kept", 0644);
  ::umask(umask);
  ASSERT_OK(dropped);
  ASSERT_OK(kept);
  EXPECT_THAT(files.list(root), IsOkAndHolds(IsEmpty()));

  dropped->reset();
  EXPECT_OK((*kept)->link(root / "name"));
  kept->reset();

  EXPECT_THAT(files.list(root), IsOkAndHolds(ElementsAre("name")));
  EXPECT_THAT(files.read(root / "name"), IsOkAndHolds("kept"));
  EXPECT_EQ(files.info(root / "name")->mode, 0644);
}

TEST_F(PosixFilesTest, ALinkNeitherReplacesNorCreatesDirectories) {
  ASSERT_OK(files.write(root / "there", "old", 0600));
  auto file = files.writeUnnamed(root, "new", 0600);
  ASSERT_OK(file);
  EXPECT_EQ((*file)->link(root / "there").code(), Code::alreadyExists);
  EXPECT_EQ((*file)->link(root / "missing" / "name").code(), Code::notFound);
  EXPECT_THAT(files.writeUnnamed(root / "missing", "x", 0600), Fails(Code::notFound, HasSubstr("missing")));
  EXPECT_THAT(files.read(root / "there"), IsOkAndHolds("old"));
}

TEST_F(PosixFilesTest, ALinkToADirectoryIsOneAndALinkToNowhereIsNamed) {
  std::filesystem::create_directory_symlink(root / "nowhere", root / "link");
  for (const char* path : {"link", "link/below"}) {
    EXPECT_THAT(files.createDirectories(root / path, 0755),
                Fails(Code::failedPrecondition, HasSubstr((root / "link").string() + " is not a directory")));
  }

  std::filesystem::create_directory(root / "nowhere");

  EXPECT_OK(files.createDirectories(root / "link/below", 0755));
  EXPECT_TRUE(std::filesystem::is_directory(root / "nowhere/below"));
}

TEST_F(PosixFilesTest, AFileInTheWayOfADirectoryIsNamed) {
  ASSERT_OK(files.write(root / "a", "", 0600));
  EXPECT_THAT(files.createDirectories(root / "a", 0755), Fails(Code::failedPrecondition, HasSubstr("not a directory")));
  EXPECT_FALSE(files.createDirectories(root / "a/b", 0755).ok());
}

TEST_F(PosixFilesTest, AFileBeyondTheLimitIsRefused) {
  ASSERT_OK(files.write(root / "big", "", 0600));
  std::filesystem::resize_file(root / "big", Files::kMaxFileSize + 1);
  EXPECT_THAT(files.read(root / "big"), Fails(Code::invalidArgument, HasSubstr("larger than")));
}

TEST_F(PosixFilesTest, RenameReplacesAndListIsSorted) {
  ASSERT_OK(files.write(root / "b", "new", 0600));
  ASSERT_OK(files.write(root / "a", "old", 0600));
  ASSERT_OK(files.write(root / "c", "", 0600));

  EXPECT_OK(files.rename(root / "b", root / "a"));
  EXPECT_OK(files.syncDirectory(root));
  EXPECT_THAT(files.list(root), IsOkAndHolds(ElementsAre("a", "c")));
  EXPECT_THAT(files.read(root / "a"), IsOkAndHolds("new"));
}

TEST_F(PosixFilesTest, ALockExcludesASecondOneUntilItIsGone) {
  auto first = files.lock(root / "lock", 0600, Files::Wait::block);
  ASSERT_OK(first);
  EXPECT_THAT(files.lock(root / "lock", 0600, Files::Wait::tryOnce),
              Fails(Code::failedPrecondition, HasSubstr("locked")));
  auto second =
      std::async(std::launch::async, [&] { return files.lock(root / "lock", 0600, Files::Wait::block).has_value(); });
  first->reset();
  EXPECT_TRUE(second.get());
}

TEST_F(PosixFilesTest, ALockOfAFileThatWasReplacedMeanwhileIsTakenOnTheNewOne) {
  auto first = files.lock(root / "lock", 0600, Files::Wait::block);
  ASSERT_OK(first);
  std::filesystem::remove(root / "lock");
  EXPECT_OK(files.lock(root / "lock", 0600, Files::Wait::tryOnce));
}

TEST_F(PosixFilesTest, TheLockedFileKeepsASmallContent) {
  {
    auto lock = files.lock(root / "lock", 0600, Files::Wait::block);
    ASSERT_OK(lock);
    EXPECT_THAT((*lock)->content(), IsOkAndHolds(""));
    EXPECT_OK((*lock)->replaceContent("12345"));
    EXPECT_THAT((*lock)->content(), IsOkAndHolds("12345"));
    EXPECT_OK((*lock)->replaceContent("42"));
    EXPECT_THAT((*lock)->content(), IsOkAndHolds("42"));
  }
  auto lock = files.lock(root / "lock", 0600, Files::Wait::block);
  ASSERT_OK(lock);
  EXPECT_THAT((*lock)->content(), IsOkAndHolds("42"));
  EXPECT_OK((*lock)->replaceContent("7"));
  EXPECT_THAT(files.read(root / "lock"), IsOkAndHolds("7")) << "and not more of what was there before";
}

}  // namespace
}  // namespace simgpu::base
