// What somebody did to the CDI directory, and what the real program makes of it.

#include <algorithm>
#include <future>
#include <unistd.h>

#include "integration/running_node.h"

namespace simgpu::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DamagedFilesTest : public RunningNodeTest {
 protected:
  /// As in the pod of the chart: root without capabilities, so that modes of files count.
  void restartWithoutCapabilities() {
    stop();
    std::vector<std::string> arguments = {"--bounding-set=-all", "--inh-caps=-all", programUnderTest()};
    auto rest = driverArguments();
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    driver.emplace(DaemonProcess(arguments, {}, log, kSetpriv));
    awaitAnswer();
  }

  static constexpr const char* kSetpriv = "/usr/bin/setpriv";
};

TEST_F(DamagedFilesTest, ASpecThatIsCutEmptiedOrGarbledIsWrittenAnewAndItsUsersAreTold) {
  claim::ClaimRef neighbour = claim("neighbour", "gpu-1");
  claim::ClaimRef ref = claim("train", "gpu-0");
  auto first = prepare(ref);
  ASSERT_OK(first);
  ASSERT_OK(prepare(neighbour));
  std::string whole = contentOf(specOf(ref));
  std::string untouched = contentOf(specOf(neighbour));

  for (const std::string& damage :
       {whole.substr(0, whole.size() / 2), std::string(), std::string(whole.size(), '\0'), std::string("}garbage{")}) {
    for (bool restarted : {false, true}) {
      put(specOf(ref), damage);
      if (restarted) {
        restart();
      }
      EXPECT_THAT(prepare(ref), IsOkAndHolds(*first)) << damage;
      EXPECT_EQ(contentOf(specOf(ref)), whole) << damage;
    }
  }

  EXPECT_EQ(contentOf(specOf(neighbour)), untouched);
  EXPECT_THAT(driverLog(), HasSubstr("Cannot understand a CDI spec of this driver; it holds no device"));
  EXPECT_TRUE(tells("RestoredDamagedCDISpec")) << driverLog();
}

TEST_F(DamagedFilesTest, ADamagedSpecGoesWithItsClaim) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  put(specOf(ref), "cdiVersion: 0.6");

  EXPECT_OK(unprepare(ref));

  EXPECT_THAT(cdiFiles(), IsEmpty());
}

TEST_F(DamagedFilesTest, ASpecThatMayNotBeReadIsWrittenAnew) {
  if (::geteuid() == 0 && !std::filesystem::exists(kSetpriv)) {
    GTEST_SKIP() << "root may read every file, and there is no setpriv that takes that away";
  }
  claim::ClaimRef ref = claim("train", "gpu-0");
  auto first = prepare(ref);
  ASSERT_OK(first);
  std::filesystem::permissions(specOf(ref), std::filesystem::perms::none);
  if (::geteuid() == 0) {
    restartWithoutCapabilities();
  } else {
    restart();
  }

  EXPECT_TRUE(logs("Permission denied")) << driverLog();
  EXPECT_OK(prepare(claim("other", "gpu-1")));
  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  EXPECT_EQ(std::filesystem::status(specOf(ref)).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(DamagedFilesTest, ADirectoryInThePlaceOfASpecIsInTheWayOfItsClaimOnly) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  std::filesystem::create_directories(specOf(ref) / "somebody-elses");

  EXPECT_THAT(prepare(ref), Fails(Code::internal, HasSubstr("write CDI spec " + specOf(ref).string())));
  EXPECT_OK(prepare(claim("other", "gpu-1")));
  EXPECT_OK(unprepare(ref)) << "the pod must be able to end";

  EXPECT_TRUE(std::filesystem::exists(specOf(ref) / "somebody-elses"));
  EXPECT_THAT(cdiFiles(), SizeIs(2)) << "and nothing temporary";
  std::filesystem::remove_all(specOf(ref));
  EXPECT_OK(prepare(ref));
}

TEST_F(DamagedFilesTest, ALinkInThePlaceOfASpecIsReplacedAndNotFollowed) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  put(root / "precious", "not ours");
  std::filesystem::remove(specOf(ref));
  std::filesystem::create_symlink(root / "precious", specOf(ref));

  EXPECT_OK(prepare(ref));
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(specOf(ref))));
  std::filesystem::remove(specOf(ref));
  std::filesystem::create_symlink(root / "precious", specOf(ref));
  EXPECT_OK(unprepare(ref));

  EXPECT_THAT(cdiFiles(), IsEmpty());
  EXPECT_EQ(contentOf(root / "precious"), "not ours");
}

TEST_F(DamagedFilesTest, ASpecOfANewerReleaseIsHeldAnsweredNeverRewrittenAndRemoved) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  claim::ClaimRef other = claim("other", "gpu-0");
  auto first = prepare(ref);
  ASSERT_OK(first);
  stop();
  std::string newer = contentOf(specOf(ref));
  auto format = newer.find("dra-driver-sim-gpu/format: \"1\"");
  ASSERT_NE(format, std::string::npos) << newer;
  newer.replace(newer.find('1', format), 1, "2");
  put(specOf(ref), newer);
  run();

  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  auto waiting = std::async(std::launch::async, [&] { return prepare(other); });
  EXPECT_TRUE(logs("Waiting for a device that another claim has"));
  cluster.reallocate("train", fakes::AllocationBuilder().device("gpu-5").build());
  EXPECT_THAT(prepare(ref), Fails(Code::internal, HasSubstr("was written by a later release of this driver")));
  EXPECT_EQ(contentOf(specOf(ref)), newer);

  EXPECT_OK(unprepare(ref));
  EXPECT_OK(waiting.get()) << "its device is free";
  EXPECT_FALSE(std::filesystem::exists(specOf(ref)));
}

TEST_F(DamagedFilesTest, FilesWithForeignNamesAreLeftAlone) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  std::string whole = contentOf(specOf(ref));
  const std::vector<std::string> names = {"nvidia.yaml",
                                          "k8s.gpu.other.com-gpu_" + ref.uid + ".yaml",
                                          "k8s.gpu.example.com-nic_" + ref.uid + ".yaml",
                                          "k8s.gpu.example.com-gpu_.yaml",
                                          "k8s.gpu.example.com-gpu_..yaml",
                                          "k8s.gpu.example.com-gpu_two words.yaml",
                                          "k8s.gpu.example.com-gpu_line\nbreak.yaml",
                                          "k8s.gpu.example.com-gpu_" + ref.uid + ".json",
                                          "k8s.gpu.example.com-gpu_" + ref.uid + ".yaml~",
                                          ".k8s.gpu.example.com-gpu_" + ref.uid + ".yaml.swp"};
  for (const std::string& name : names) {
    put(cdiRoot / name, whole);
  }
  std::filesystem::create_directory(cdiRoot / "folder.yaml");

  ASSERT_OK(unprepare(ref));
  restart();
  ASSERT_OK(prepare(ref)) << "nobody else holds its device";
  ASSERT_OK(unprepare(ref));

  for (const std::string& name : names) {
    EXPECT_EQ(contentOf(cdiRoot / name), whole) << name;
  }
  EXPECT_THAT(cdiFiles(), SizeIs(names.size() + 1));
}

TEST_F(DamagedFilesTest, ADirectoryThatBecameALinkToWhereItsFilesAreNowIsTheSame) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  auto first = prepare(ref);
  ASSERT_OK(first);
  std::filesystem::rename(cdiRoot, root / "moved");
  std::filesystem::create_directory_symlink(root / "moved", cdiRoot);

  EXPECT_THAT(prepare(ref), IsOkAndHolds(*first));
  EXPECT_OK(prepare(claim("other", "gpu-1")));
  EXPECT_OK(unprepare(ref));
  restart();
  EXPECT_THAT(cdiFiles(), SizeIs(1));
  EXPECT_TRUE(std::filesystem::is_symlink(cdiRoot));
}

TEST_F(DamagedFilesTest, AWipeBehindALinkIsUndone) {
  std::filesystem::rename(cdiRoot, root / "moved");
  std::filesystem::create_directory_symlink(root / "moved", cdiRoot);
  claim::ClaimRef ref = claim("train", "gpu-0");
  cluster.reserve("train", "pod");
  ASSERT_OK(prepare(ref));

  std::filesystem::remove(specOf(ref));

  EXPECT_TRUE(logs("Restored a CDI spec that somebody deleted")) << driverLog();
  EXPECT_TRUE(std::filesystem::exists(specOf(ref)));
}

TEST_F(DamagedFilesTest, ADirectoryThatBecameALinkToNowhereIsNamedAndWaitedFor) {
  claim::ClaimRef ref = claim("train", "gpu-0");
  ASSERT_OK(prepare(ref));
  std::filesystem::rename(cdiRoot, root / "moved");
  std::filesystem::create_directory_symlink(root / "nowhere", cdiRoot);

  EXPECT_THAT(prepare(claim("other", "gpu-1")), Fails(Code::internal, HasSubstr(cdiRoot.string())));
  EXPECT_EQ(driver->wait(std::chrono::seconds(0)), std::nullopt) << "it runs on";
  std::filesystem::remove(cdiRoot);
  std::filesystem::rename(root / "moved", cdiRoot);

  EXPECT_OK(prepare(ref));
  EXPECT_OK(unprepare(ref));
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

}  // namespace
}  // namespace simgpu::integration
