#include "fakes/golden.h"
#include "fakes/result_matchers.h"
#include "unit/cdi/spec_builder.h"

namespace simgpu::cdi {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(SpecParser, GarbageIsDataLossAndSaysWhere) {
  struct Case {
    std::string text;
    std::string message;
  };
  for (const auto& [text, message] : std::vector<Case>{
           {"", "empty"},
           {"# nothing\n", "empty"},
           {"just text", "expected a mapping, found string"},
           {"- a", "expected a mapping, found array"},
           {"a: [", "line 1"},
           {"a: b\n\tc: d\n", "line 2"},
           {"{\"kind\":", "line 1, column"},
           {"kind: a/b", "cdiVersion: expected a string, found null"},
           {"cdiVersion: 0.6.0", "kind: expected a string, found null"},
           {"cdiVersion: 0.6.0\nkind: [a]", "kind: expected a string, found array"},
           {"cdiVersion: 0.6.0\nkind: a/b\nkind: a/b", "duplicate key \"kind\""},
           {"cdiVersion: 0.6.0\nkind: a/b\ndevices: {}", "devices: expected a list, found object"},
           {"cdiVersion: 0.6.0\nkind: a/b\ndevices: [a]", "devices[0]: expected a mapping"},
           {"cdiVersion: 0.6.0\nkind: a/b\ndevices: [{name: a}, {}]", "devices[1].name: expected a string"},
           {"cdiVersion: 0.6.0\nkind: a/b\ndevices: [{name: a, containerEdits: {env: [[]]}}]",
            "devices[0]: containerEdits.env[0]: expected a string"},
           {"cdiVersion: 0.6.0\nkind: a/b\ncontainerEdits: 1", "containerEdits: expected a mapping"},
           {"cdiVersion: 0.6.0\nkind: a/b\ncontainerEdits: {env: a}", "containerEdits.env: expected a list"},
           {"cdiVersion: 0.6.0\nkind: a/b\ncontainerEdits: {mounts: a}", "containerEdits.mounts: expected a list"},
           {"cdiVersion: 0.6.0\nkind: a/b\ncontainerEdits: {mounts: [a]}",
            "containerEdits.mounts[0]: expected a mapping"},
           {"cdiVersion: 0.6.0\nkind: a/b\ncontainerEdits: {mounts: [{hostPath: /a}]}",
            "containerEdits.mounts[0]: containerPath: expected a string, found null"},
           {"cdiVersion: 0.6.0\nkind: a/b\ncontainerEdits: {mounts: [{hostPath: /a, containerPath: /b, options: ro}]}",
            "containerEdits.mounts[0]: options: expected a list"},
           {"cdiVersion: 0.6.0\nkind: a/b\nannotations: {a: []}", "annotations[a]: expected a string"},
           {"cdiVersion: 0.6.0\nkind: a/b\n? [a]\n: b", "a key must be a string"},
           {std::string(64, '\0'), ""},
           {"\xff\xfe\xfd\xfc", ""},
       }) {
    EXPECT_THAT(parse(text), Fails(Code::dataLoss, HasSubstr(message))) << text;
  }
}

TEST(SpecParser, ATruncatedFileIsNeverTakenForAWholeOne) {
  const Spec whole = claimSpec();
  std::string text = render(whole);
  for (std::size_t size = 0; size < text.size(); ++size) {
    auto spec = parse(std::string_view(text).substr(0, size));
    EXPECT_TRUE(!spec || *spec != whole || text.substr(size) == "\n") << size;
  }
}

TEST(SpecParser, ABombOfAliasesIsRefusedAndNotUnpacked) {
  std::string text = "cdiVersion: 0.6.0\nkind: a/b\na: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char name = 'b'; name < 'z'; ++name) {
    text += fmt::format("{0}: &{0} [*{1}, *{1}, *{1}, *{1}, *{1}, *{1}, *{1}, *{1}]\n", name, char(name - 1));
  }

  EXPECT_THAT(parse(text), Fails(Code::dataLoss, AllOf(StartsWith("line 4, "), HasSubstr("aliases"))));
}

TEST(SpecParser, DeepNestingAndHugeFilesAreRefused) {
  EXPECT_THAT(parse(std::string(100'000, '[')), Fails(Code::dataLoss, testing::_));
  EXPECT_THAT(parse("{\"a\":" + std::string(100'000, '[')), Fails(Code::dataLoss, testing::_));
  EXPECT_THAT(parse(std::string(5 << 20, 'x')), Fails(Code::dataLoss, HasSubstr("5242880 bytes")));
}

TEST(SpecParser, ReadsWhatTheReferenceDriverWrites) {
  Spec expected;
  expected.kind = "k8s.gpu.example.com/gpu";
  expected.devices = {
      {"35eb68e2-0001-4000-8000-000000000000-gpu-3",
       {{"GPU_DEVICE_GPU_3_RESOURCE_CLAIM=35eb68e2-0001-4000-8000-000000000000", "DRA_ADMIN_ACCESS=false",
         "GPU_DEVICE_3=gpu-3", "GPU_DEVICE_3_SHARING_STRATEGY=TimeSlicing", "GPU_DEVICE_3_TIMESLICE_INTERVAL=Long"}}},
      {"35eb68e2-0001-4000-8000-000000000000-gpu-4",
       {{"GPU_DEVICE_GPU_4_RESOURCE_CLAIM=35eb68e2-0001-4000-8000-000000000000", "DRA_ADMIN_ACCESS=false",
         "GPU_DEVICE_4=gpu-4", "GPU_DEVICE_4_SHARING_STRATEGY=SpacePartitioning", "GPU_DEVICE_4_PARTITION_COUNT=10"}}}};

  EXPECT_THAT(parse(fakes::sourceFile("test/golden/cdi/reference-v0.4.0-claim.yaml")), IsOkAndHolds(expected));
}

TEST(SpecParser, ReadsWhatTheReferenceDriverOfTheTutorialWrites) {
  Spec expected;
  expected.kind = "k8s.gpu.example.com/gpu";
  expected.devices = {{"e87076ec-0001-4000-8000-000000000000-gpu-6",
                       {{"GPU_DEVICE_6_RESOURCE_CLAIM=e87076ec-0001-4000-8000-000000000000", "GPU_DEVICE_6=gpu-6",
                         "GPU_DEVICE_6_SHARING_STRATEGY=TimeSlicing", "GPU_DEVICE_6_TIMESLICE_INTERVAL=Default"}}}};

  EXPECT_THAT(parse(fakes::sourceFile("test/golden/cdi/reference-v0.2.0-claim.yaml")), IsOkAndHolds(expected));
}

TEST(SpecParser, ReadsJsonAndDropsEditsItDoesNotKnow) {
  auto spec = parse(R"({"cdiVersion":"0.5.0","kind":"gpu.example.com/metadata","x":{"y":[1,2.5,true]},
    "devices":[{"name":"u_gpu","annotations":{"a":"b"},"containerEdits":{"env":["A=\u00e4\ud83d\ude00"],
    "mounts":[{"hostPath":"/a","containerPath":"/b","type":"none","options":["ro","bind"]}],"hooks":[{}]}}],
    "containerEdits":null})");

  ASSERT_OK(spec);
  EXPECT_EQ(spec->devices,
            (std::vector<Device>{{"u_gpu",
                                  {{"A=\xc3\xa4\xf0\x9f\x98\x80"},
                                   {{.hostPath = "/a", .containerPath = "/b", .options = {"ro", "bind"}}}}}}));
}

TEST(SpecParser, ReadsBracesThatAreYamlAndNotJson) {
  EXPECT_THAT(parse("{cdiVersion: 0.3.0, kind: v/c, devices: [{name: common, containerEdits: {env: [A=b]}}]}"),
              IsOkAndHolds(smallSpec()));
}

TEST(SpecParser, NamesThatLookLikeNumbersStayText) {
  auto spec = parse("cdiVersion: 0.5.0\nkind: v/c\ndevices:\n- name: 1e5\n- name: true\n- name: \"null\"\n");

  ASSERT_OK(spec);
  EXPECT_EQ(spec->devices, (std::vector<Device>{{"1e5", {}}, {"true", {}}, {"null", {}}}));
}

}  // namespace
}  // namespace simgpu::cdi
