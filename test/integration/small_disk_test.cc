// A disk that is full, out of inodes, or read-only, under the real program.

#include <sched.h>
#include <sys/mount.h>

#include "integration/running_node.h"

namespace simgpu::integration {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A node whose CDI directory, and whose kubelet's directories if asked for, are on a disk of 64 KiB and 64 inodes: a
/// tmpfs that only this test and the programs that it starts can see.
class SmallDiskTest : public RunningNodeTest {
 protected:
  void SetUp() override {
    // Private first, or the machine would see the mount, too.
    bool mounted = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   std::filesystem::create_directory(disk) &&
                   ::mount("simgpu-test", disk.c_str(), "tmpfs", 0, "size=64k,nr_inodes=64") == 0;
    if (!mounted) {
      GTEST_SKIP() << "this account may not mount a tmpfs of its own; root may";
    }
    cdiRoot = disk / "cdi";
  }

  void TearDown() override { ::umount2(disk.c_str(), MNT_DETACH); }

  void useForEverything() {
    kubeletRoot = disk / "kubelet";
    std::filesystem::create_directories(kubeletRoot / "plugins_registry");
  }

  void start() {
    startKubelet();
    run();
  }

  void makeFull() {
    std::ofstream filler(disk / "filler");
    while (filler << std::string(512, 'x') << std::flush) {
    }
  }

  void useAllInodes() {
    for (int i = 0; std::ofstream(disk / ("filler-" + std::to_string(i))).is_open(); ++i) {
    }
  }

  void removeFillers() {
    std::vector<std::filesystem::path> fillers;
    for (const auto& entry : std::filesystem::directory_iterator(disk)) {
      if (entry.is_regular_file()) {
        fillers.push_back(entry.path());
      }
    }
    for (const auto& filler : fillers) {
      std::filesystem::remove(filler);
    }
  }

  int remount(unsigned long flags) {
    return ::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | flags, "size=64k,nr_inodes=64");
  }

  /// Whatever is wrong with the disk: what is prepared stays so and can be given back, and nothing is prepared in half.
  void expectOnlyNewClaimsToFail(const std::string& reason) {
    EXPECT_THAT(prepare(used), IsOkAndHolds(*before));
    EXPECT_THAT(prepare(fresh),
                Fails(Code::internal, AllOf(HasSubstr("write CDI spec " + specOf(fresh).string()), HasSubstr(reason))));
    EXPECT_OK(unprepare(ended));
    EXPECT_THAT(cdiFiles(), ElementsAre(specOf(used).filename())) << "and nothing temporary";
  }

  void prepareTwo() {
    before = prepare(used);
    ASSERT_OK(before);
    ASSERT_OK(prepare(ended));
  }

  const std::filesystem::path disk = root / "disk";
  const claim::ClaimRef used = claim("used", "gpu-0");
  const claim::ClaimRef ended = claim("ended", "gpu-1");
  const claim::ClaimRef fresh = claim("fresh", "gpu-2");
  Result<std::vector<standin::PreparedDevice>> before;
};

TEST_F(SmallDiskTest, OnAFullDiskOnlyNewClaimsFail) {
  useForEverything();
  start();
  prepareTwo();
  makeFull();

  expectOnlyNewClaimsToFail("No space left on device");

  removeFillers();
  EXPECT_OK(prepare(fresh));
}

TEST_F(SmallDiskTest, WithoutInodesOnlyNewClaimsFail) {
  useForEverything();
  start();
  prepareTwo();
  useAllInodes();

  expectOnlyNewClaimsToFail("No space left on device");

  useAllInodes();
  EXPECT_THAT(runToEnd(driverArguments()),
              testing::Pair(1, HasSubstr("CDI directory " + cdiRoot.string() + " cannot be written")));
  removeFillers();
  EXPECT_OK(prepare(fresh));
}

TEST_F(SmallDiskTest, OnAFullDiskTheDriverStartsAndGivesBackWhatIsPrepared) {
  start();
  prepareTwo();
  stop();
  makeFull();

  run();

  expectOnlyNewClaimsToFail("No space left on device");
}

TEST_F(SmallDiskTest, OnADiskThatBecameReadOnlyNothingChangesUntilItCanBeWrittenAgain) {
  start();
  prepareTwo();
  ASSERT_EQ(remount(MS_RDONLY), 0);

  EXPECT_THAT(prepare(used), IsOkAndHolds(*before));
  EXPECT_THAT(prepare(fresh), Fails(Code::internal, HasSubstr("Read-only file system")));
  EXPECT_THAT(unprepare(ended), Fails(Code::internal, HasSubstr("Read-only file system")));
  EXPECT_THAT(cdiFiles(), SizeIs(2));

  ASSERT_EQ(remount(0), 0);
  EXPECT_OK(unprepare(ended));
  EXPECT_OK(prepare(fresh));
}

TEST_F(SmallDiskTest, OnAReadOnlyDiskTheDriverDoesNotStart) {
  std::filesystem::create_directory(cdiRoot);
  ASSERT_EQ(remount(MS_RDONLY), 0);

  EXPECT_THAT(runToEnd(driverArguments()),
              testing::Pair(1, AllOf(HasSubstr("CDI directory " + cdiRoot.string() + " cannot be written"),
                                     HasSubstr("Read-only file system"))));
}

}  // namespace
}  // namespace simgpu::integration
