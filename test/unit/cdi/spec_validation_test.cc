#include "fakes/result_matchers.h"
#include "unit/cdi/spec_builder.h"

namespace simgpu::cdi {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(SpecValidation, ADeviceWithoutEditsIsRefusedBecauseTheRuntimeWouldRefuseTheFile) {
  Spec spec = claimSpec();
  spec.devices.front().edits.env.clear();

  EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, StartsWith("devices[0]: containerEdits: empty")));
}

TEST(SpecValidation, ASpecWithoutDevicesIsRefused) {
  Spec spec = claimSpec();
  spec.devices.clear();

  EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, StartsWith("devices: ")));
}

TEST(SpecValidation, ADeviceNameThatIsUsedTwiceIsRefused) {
  Spec spec = claimSpec();
  spec.devices.push_back(spec.devices.front());

  EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, HasSubstr("devices[1]: name: ")));
}

TEST(SpecValidation, KindsThatAreNotVendorSlashClassAreRefused) {
  for (const char* kind :
       {"", "gpu", "/gpu", "k8s/", "8s/gpu", "k8s/8", "k8s/g/u", "k8s/gpu-", "k8s /gpu", "k8s/g\nu"}) {
    Spec spec = claimSpec();
    spec.kind = kind;
    EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, StartsWith("kind: "))) << kind;
  }
}

TEST(SpecValidation, DeviceNamesOutsideTheSyntaxAreRefused) {
  for (const char* name : {"", "-a", "a-", "a b", "a/b", "a=b", "a\n", "\xc3\xa4"}) {
    EXPECT_THAT(validate(smallSpec(name)), Fails(Code::invalidArgument, StartsWith("devices[0]: name: "))) << name;
  }
  for (const char* name : {"a", "0", "a.b:c_d-e", "303b27ee-gpu-0"}) {
    EXPECT_OK(validate(smallSpec(name))) << name;
  }
}

TEST(SpecValidation, EnvironmentThatCouldSmuggleALineOrIsNoAssignmentIsRefused) {
  using namespace std::string_literals;
  for (const std::string& entry : {""s, "A"s, "=b"s, "A=b\nLD_PRELOAD=x"s, "A=\0b"s, "A=\x7f"s, "A=\x1b[0m"s, "A=\xff"s,
                                   "A=\xc0\x80"s, "A=\xed\xa0\x80"s}) {
    EXPECT_THAT(validate(smallSpec("a", entry)), Fails(Code::invalidArgument, HasSubstr("containerEdits: env[0]: ")));
    Spec spec = smallSpec();
    spec.edits.env = {"A=b", entry};
    EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, StartsWith("containerEdits: env[1]: ")));
  }
  EXPECT_OK(validate(smallSpec("a", "A=")));
  EXPECT_OK(validate(smallSpec("a", "A=b=c d\xc3\xa4\xf0\x9f\x98\x80")));
}

TEST(SpecValidation, MountsNeedTwoAbsolutePathsWithoutControlCharacters) {
  Spec spec = smallSpec();
  const Mount good{.hostPath = "/a", .containerPath = "/b", .options = {"ro"}};
  spec.devices[0].edits = {.env = {}, .mounts = {good}};
  EXPECT_OK(validate(spec));
  for (const Mount& bad : {Mount{.hostPath = "a", .containerPath = "/b", .options = {}},
                           Mount{.hostPath = "/a", .containerPath = "", .options = {}},
                           Mount{.hostPath = "/a\n", .containerPath = "/b", .options = {}},
                           Mount{.hostPath = "/a", .containerPath = "/\xff", .options = {}},
                           Mount{.hostPath = "/a", .containerPath = "/b", .options = {"ro", ""}},
                           Mount{.hostPath = "/a", .containerPath = "/b", .options = {"r\no"}}}) {
    spec.devices[0].edits.mounts = {good, bad};
    EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, StartsWith("devices[0]: containerEdits: mounts[1]: ")));
  }
}

TEST(SpecValidation, AnnotationsFollowKubernetes) {
  for (const char* key : {"", "a b", "/a", "a/", "a/b/c", "-a"}) {
    Spec spec = smallSpec();
    spec.annotations[key] = "x";
    EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, StartsWith("annotations: "))) << key;
  }
  Spec spec = smallSpec();
  spec.annotations["a"] = std::string(300 << 10, 'x');
  EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, HasSubstr("262144")));
  spec.annotations["a"] = "\xff";
  EXPECT_THAT(validate(spec), Fails(Code::invalidArgument, HasSubstr("UTF-8")));
  spec.annotations = {{"gpu.example.com/claim", "any\ntext"}};
  EXPECT_OK(validate(spec));
}

TEST(SpecVersion, IsTheLowestThatAllowsWhatTheSpecUses) {
  EXPECT_EQ(minimumVersion(smallSpec("common")), "0.3.0");
  EXPECT_EQ(minimumVersion(smallSpec("ba4126d5-gpu-0")), "0.3.0");
  EXPECT_EQ(minimumVersion(smallSpec("303b27ee-gpu-5")), "0.5.0");
  Spec dotted = smallSpec();
  dotted.kind = "k8s.gpu.example.com/g.pu";
  EXPECT_EQ(minimumVersion(dotted), "0.6.0");
  EXPECT_EQ(minimumVersion(claimSpec()), "0.6.0");
}

TEST(SpecName, IsKindEqualsDevice) {
  EXPECT_EQ(qualifiedName("k8s.gpu.example.com/gpu", "u-gpu-5"), "k8s.gpu.example.com/gpu=u-gpu-5");
}

}  // namespace
}  // namespace simgpu::cdi
