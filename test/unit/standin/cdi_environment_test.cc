#include "standin/cdi_environment.h"

#include <gmock/gmock.h>

#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"

namespace simgpu::standin {
namespace {

using testing::ElementsAre;

constexpr const char* kSpec = R"(
cdiVersion: 0.3.0
kind: example.com/gpu
containerEdits:
  env: [NODE=n]
devices:
- name: a
  containerEdits:
    env: [A=1, SAME=a]
- name: b
  containerEdits:
    env: [B=1, SAME=b]
)";

class CdiEnvironmentTest : public testing::Test {
 protected:
  CdiEnvironmentTest() {
    EXPECT_OK(files.createDirectories("/etc/cdi", 0755));
    EXPECT_OK(files.createDirectories("/var/run/cdi", 0755));
    files.put("/var/run/cdi/x.yaml", kSpec);
  }

  auto apply(const std::vector<std::string>& devices, std::vector<std::string> environment = {}) {
    return applyCdi(files, {"/etc/cdi", "/var/run/cdi"}, devices, std::move(environment));
  }

  fakes::FakeFiles files;
};

TEST_F(CdiEnvironmentTest, AllUnknownDevicesAreNamed) {
  EXPECT_THAT(apply({"example.com/gpu=a", "example.com/gpu=c", "other.com/x=y"}),
              Fails(Code::notFound, "unresolvable CDI devices example.com/gpu=c, other.com/x=y"));
}

TEST_F(CdiEnvironmentTest, ADeviceDefinedTwiceInOneDirectoryIsUnknown) {
  files.put("/var/run/cdi/y.yaml", kSpec);

  EXPECT_THAT(apply({"example.com/gpu=a"}), Fails(Code::notFound, "unresolvable CDI devices example.com/gpu=a"));
}

TEST_F(CdiEnvironmentTest, AFileThatCannotBeReadAffectsOnlyItself) {
  files.put("/var/run/cdi/broken.yaml", "{");

  EXPECT_OK(apply({"example.com/gpu=a"}));
}

TEST_F(CdiEnvironmentTest, TheEditsOfASpecComeOnceBeforeThoseOfItsDevices) {
  EXPECT_THAT(apply({"example.com/gpu=b", "example.com/gpu=a"}),
              IsOkAndHolds(ElementsAre("NODE=n", "B=1", "SAME=a", "A=1")));
}

TEST_F(CdiEnvironmentTest, AVariableIsReplacedInItsPlace) {
  EXPECT_THAT(apply({"example.com/gpu=a"}, {"NODE=mine", "X=1"}),
              IsOkAndHolds(ElementsAre("NODE=n", "X=1", "A=1", "SAME=a")));
}

TEST_F(CdiEnvironmentTest, ALaterDirectoryWins) {
  files.put("/etc/cdi/x.yaml",
            "cdiVersion: 0.3.0\nkind: example.com/gpu\ndevices:\n- name: a\n  containerEdits:\n    env: [OLD=1]\n");

  EXPECT_THAT(apply({"example.com/gpu=a"}), IsOkAndHolds(ElementsAre("NODE=n", "A=1", "SAME=a")));
}

TEST_F(CdiEnvironmentTest, MountsAreThoseOfTheDevicesInTheirOrder) {
  files.put("/var/run/cdi/y.yaml",
            "cdiVersion: 0.3.0\nkind: example.com/nic\ndevices:\n- name: a\n  containerEdits:\n    mounts:\n"
            "    - {hostPath: /1, containerPath: /a, options: [ro, bind]}\n- name: b\n  containerEdits:\n    mounts:\n"
            "    - {hostPath: /2, containerPath: /b}\n");

  auto edits =
      editsOf(files, {"/etc/cdi", "/var/run/cdi"}, {"example.com/nic=b", "example.com/gpu=a", "example.com/nic=a"});

  ASSERT_OK(edits);
  EXPECT_THAT(edits->mounts,
              ElementsAre(cdi::Mount{.hostPath = "/2", .containerPath = "/b", .options = {}},
                          cdi::Mount{.hostPath = "/1", .containerPath = "/a", .options = {"ro", "bind"}}));
}

}  // namespace
}  // namespace simgpu::standin
