#include <nlohmann/json.hpp>

#include "fakes/golden.h"
#include "unit/device/profile_builder.h"

namespace simgpu::device {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Profile parsed(const std::string& text) {
  auto profile = Profile::parse(text, "test.yaml");
  EXPECT_OK(profile);
  return *profile;
}

Status devicesError(const std::string& text, NodeContext node = node0()) {
  return statusOf(parsed(text).devices(node));
}

TEST(ProfileDevices, ContextsThatTheApiWouldRefuseAreRefused) {
  for (const char* name : {"", "Node0", "a_b", "a..b", "a\nb", "-a"}) {
    NodeContext node = node0();
    node.nodeName = name;
    EXPECT_THAT(devicesError(fullProfile(), node), Fails(Code::invalidArgument, StartsWith("node name: "))) << name;
  }
  for (const char* name : {"", "a b", "a=b", "a/b"}) {
    NodeContext node = node0();
    node.driverName = name;
    EXPECT_THAT(devicesError(fullProfile(), node), Fails(Code::invalidArgument, StartsWith("driver name: "))) << name;
  }
  NodeContext node = node0();
  node.nodeName = std::string(254, 'a');
  EXPECT_THAT(devicesError(fullProfile(), node), Fails(Code::invalidArgument, StartsWith("node name: ")));
  node.nodeName = "a.b-1." + std::string(100, 'a');
  EXPECT_OK(devicesError(fullProfile(), node));
  node.driverName = std::string(64, 'a');
  EXPECT_THAT(devicesError(fullProfile(), node), Fails(Code::invalidArgument, StartsWith("driver name: ")));
  node.driverName = "GPU.example.com";
  EXPECT_OK(devicesError(fullProfile(), node));
}

TEST(ProfileDevices, ANodeNeverHasMoreThanTenThousand) {
  NodeContext node = node0();
  node.numDevices = 10'001;
  EXPECT_THAT(devicesError(fullProfile(), node), Fails(Code::invalidArgument, HasSubstr("at most 10000 devices")));
  node.numDevices = SIZE_MAX;
  EXPECT_THAT(devicesError(fullProfile(), node), Fails(Code::invalidArgument, HasSubstr("at most 10000 devices")));
  node.numDevices = 10'000;
  EXPECT_OK(devicesError(fullProfile(), node));
}

TEST(ProfileDevices, ErrorsNameTheDeviceAndTheField) {
  struct Case {
    std::string_view from;
    std::string to;
    std::string message;
  };
  for (const auto& [from, to, message] : std::vector<Case>{
           {"nic-${index}", "nic_${index}", "device 0 of kind nic: name: expected at most 63 lower case letters"},
           {"nic-${index}", std::string(63, 'a') + "${index}", "device 0 of kind nic: name: expected at most 63"},
           {"nic-${index}", "nic", "device nic: name: expected each name once"},
           {"{int: 100}", "{int: fast}", "device nic-0: attributes.speed: expected a whole number, found \"fast\""},
           {"{int: 100}", "{int: 9223372036854775808}", "device nic-0: attributes.speed: expected a whole number"},
           {"{bool: true}", "{bool: yes}", "device nic-0: attributes.rdma: expected true or false, found \"yes\""},
           {"NIC ${index}", std::string(65, 'x'),
            "device nic-0: attributes.model: expected at most 64 bytes, found 65"},
           {"{version: 1.2.3}", "{version: 1.0}", "device nic-0: attributes.firmware: expected a semantic version"},
       }) {
    EXPECT_THAT(devicesError(with(fullProfile(), from, to)),
                Fails(Code::invalidArgument, AllOf(StartsWith("profile nic: "), HasSubstr(message))));
  }
}

TEST(ProfileDevices, VersionsFollowSemver) {
  for (const char* version :
       {"1", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "v1.0.0", "1.0.0.0", "1.0.0-a..b"}) {
    EXPECT_THAT(devicesError(with(fullProfile(), "1.2.3", version)), Fails(Code::invalidArgument, testing::_))
        << version;
  }
  for (const char* version : {"0.0.0", "580.126.9", "1.0.0-rc.1", "1.0.0+build-5.01", "1.0.0-0a.x-y+z"}) {
    EXPECT_OK(devicesError(with(fullProfile(), "1.2.3", version))) << version;
  }
}

TEST(ProfileDevices, AttributesCapacityAndFlagsAreThoseOfTheFile) {
  auto devices = parsed(fullProfile()).devices(node0());

  ASSERT_OK(devices);
  ASSERT_EQ(devices->size(), 2);
  EXPECT_EQ(devices->at(1).attributes,
            (std::map<std::string, Attribute>{
                {"speed", std::int64_t{100}}, {"rdma", true}, {"model", "NIC 1"}, {"firmware", Version{"1.2.3"}}}));
  EXPECT_EQ(devices->at(1).capacity.at("bandwidth").toString(), "100G");
  EXPECT_TRUE(devices->at(1).allowMultipleAllocations);
}

TEST(ProfileDevices, NumDevicesReplacesOnlyTheCountsThatSaySo) {
  NodeContext node = node0();
  node.numDevices = 5;
  EXPECT_EQ(parsed(fullProfile()).devices(node)->size(), 5);
  EXPECT_EQ(parsed(with(fullProfile(), "    countFrom: num-devices\n", "")).devices(node)->size(), 2);
  node.numDevices = 0;
  EXPECT_EQ(parsed(fullProfile()).devices(node)->size(), 0);
}

TEST(ProfileDevices, UuidsRunOnOverAllKinds) {
  std::string second = with(fullProfile().substr(fullProfile().find("  - kind: nic")), "kind: nic", "kind: vf");
  second = with(second, "nic-${index}", "vf-${index}");

  auto devices = parsed(fullProfile() + second).devices(node0());

  ASSERT_OK(devices);
  EXPECT_EQ(devices->at(2).name, "vf-0");
  EXPECT_EQ(devices->at(2).index, 0);
  EXPECT_EQ(devices->at(2).uuid, "4bba3fff-cb71-53d7-4f13-930bd5a6345f");
}

TEST(ProfileNames, ClassAndDriverFollowFromTheNameUnlessGiven) {
  EXPECT_EQ(parsed(fullProfile()).cdiClass(), "net");
  EXPECT_EQ(parsed(fullProfile()).defaultDriverName(), "net.example.com");
  Profile profile = parsed(with(with(fullProfile(), "class: net\n", ""), "driverName: net.example.com\n", ""));
  EXPECT_EQ(profile.cdiClass(), "nic");
  EXPECT_EQ(profile.defaultDriverName(), "nic.example.com");
}

TEST(ProfileEnv, AVariableThatRefersToSomethingAbsentIsLeftOut) {
  Profile profile = parsed(fullProfile());
  Device nic = profile.devices(node0())->front();
  Allocation allocation{.claimUid = "u", .shareId = {}, .consumedCapacity = {}};

  EXPECT_THAT(profile.deviceEdits(node0(), nic, allocation, {})->env, ElementsAre("NIC_0=nic-0"));

  allocation.consumedCapacity = {{"bandwidth", *base::Quantity::parse("2.5G")}};
  EXPECT_THAT(profile.deviceEdits(node0(), nic, allocation, {})->env, ElementsAre("NIC_0=nic-0", "NIC_0_RATE=2500M"));
}

TEST(ProfileEnv, EveryVariableHasItsValue) {
  std::string text = with(fullProfile(), "\"${name}\"",
                          "\"$$ ${index} ${name} ${NAME} ${ID} ${uuid} ${node.name} ${driver.name} ${claim.uid} "
                          "${adminAccess} ${shareId} ${config.strategy} ${config.timeSliceInterval}\"");
  text = with(text, "nic-${index}", "nic-a--b-${index}");
  text = with(text, "\"NIC_${ID}_RATE\"", "X");
  text = with(text, "${consumed.bandwidth}", "x");
  Profile profile = parsed(text);
  Device nic = profile.devices(node0())->at(1);

  auto edits = profile.deviceEdits(node0(), nic, {.claimUid = "u-1", .shareId = "s-1", .consumedCapacity = {}},
                                   *profile.defaultParameters("nic"));

  ASSERT_OK(edits);
  EXPECT_EQ(edits->env.front(),
            "NIC_A__B_1=$ 1 nic-a--b-1 NIC_A_B_1 A__B_1 79211cc7-9870-40fb-1bcd-7a9bfbf3bff0 node0 gpu.example.com u-1 "
            "false s-1 TimeSlicing Default");
}

TEST(ProfileAttributes, AListInPlaceOfAValueGivesEachDeviceItsOwn) {
  std::string text = with(fullProfile(), "speed: {int: 100}",
                          "resource.kubernetes.io/numaNode: {int: [0, 1]}\n"
                          "      resource.kubernetes.io/pcieRoot: {string: [\"pci0000:07\", \"pci0000:${index}f\"]}");
  auto devices = parsed(with(text, "count: 2", "count: 3")).devices(node0());

  ASSERT_OK(devices);
  EXPECT_EQ(devices->at(0).attributes.at("resource.kubernetes.io/numaNode"), Attribute(std::int64_t{0}));
  EXPECT_EQ(devices->at(1).attributes.at("resource.kubernetes.io/numaNode"), Attribute(std::int64_t{1}));
  EXPECT_EQ(devices->at(2).attributes.at("resource.kubernetes.io/numaNode"), Attribute(std::int64_t{0}));
  EXPECT_EQ(devices->at(1).attributes.at("resource.kubernetes.io/pcieRoot"), Attribute("pci0000:1f"));
}

TEST(ProfileAttributes, CanBeListsOfEveryType) {
  std::string text = with(fullProfile(), "speed: {int: 100}",
                          "nodes: {ints: [1, \"${index}\"]}\n      flags: {bools: [true, false]}\n"
                          "      links: {strings: [a, \"${name}\"]}\n      firmwares: {versions: [1.0.0]}");
  auto devices = parsed(text).devices(node0());

  ASSERT_OK(devices);
  const auto& attributes = devices->at(1).attributes;
  EXPECT_EQ(attributes.at("nodes"), Attribute(std::vector<std::int64_t>{1, 1}));
  EXPECT_EQ(attributes.at("flags"), Attribute(std::vector<bool>{true, false}));
  EXPECT_EQ(attributes.at("links"), Attribute(std::vector<std::string>{"a", "nic-1"}));
  EXPECT_EQ(attributes.at("firmwares"), Attribute(std::vector<Version>{Version{"1.0.0"}}));
}

TEST(ProfileAttributes, ListsCountByTheirValues) {
  std::string numbers = "0";
  for (int i = 1; i < 46; ++i) {
    numbers += ", " + std::to_string(i);
  }
  EXPECT_THAT(
      devicesError(with(fullProfile(), "{int: 100}", "{ints: [" + numbers + "]}")),
      Fails(Code::invalidArgument, HasSubstr("device nic-0: attributes: expected at most 48 values in all, found 49")));
  EXPECT_THAT(devicesError(with(fullProfile(), "{int: 100}", "{ints: [1, x]}")),
              Fails(Code::invalidArgument, HasSubstr("attributes.speed: expected a whole number, found \"x\"")));
}

TEST(ProfileUse, TaintsConditionsAndResourcesOfTheNodeAreThoseOfTheFile) {
  std::string text = with(fullProfile(), "    parameters: GpuConfig\n",
                          "    taints:\n"
                          "      - {key: example.com/unhealthy, value: \"true\", effect: NoExecute}\n"
                          "    bindingConditions: [example.com/ready]\n"
                          "    bindingFailureConditions: [example.com/broken]\n"
                          "    nodeAllocatable:\n"
                          "      memory: {multiplier: 2Gi}\n"
                          "      cpu: {capacity: bandwidth, multiplier: 1m}\n"
                          "    parameters: GpuConfig\n");
  NodeContext node = node0();
  node.bindingConditions = true;
  auto devices = parsed(text).devices(node);

  ASSERT_OK(devices);
  const Device& nic = devices->front();
  EXPECT_EQ(nic.taints, (std::vector<Taint>{{.key = "example.com/unhealthy", .value = "true", .effect = "NoExecute"}}));
  EXPECT_THAT(nic.bindingConditions, ElementsAre("example.com/ready")) << "those of the profile win";
  EXPECT_THAT(nic.bindingFailureConditions, ElementsAre("example.com/broken"));
  EXPECT_EQ(nic.nodeAllocatable.at("memory"),
            (NodeAllocatable{.capacity = "", .multiplier = base::Quantity::parse("2Gi").value()}));
  EXPECT_EQ(nic.nodeAllocatable.at("cpu"),
            (NodeAllocatable{.capacity = "bandwidth", .multiplier = base::Quantity::parse("1m").value()}));
}

TEST(ProfileUse, TheFlagGivesEveryDeviceTheConditionsOfTheReference) {
  NodeContext node = node0();
  node.bindingConditions = true;

  Device nic = parsed(fullProfile()).devices(node)->front();

  EXPECT_THAT(nic.bindingConditions, ElementsAre("BindingConditions"));
  EXPECT_THAT(nic.bindingFailureConditions, ElementsAre("BindingFailureConditions"));
}

TEST(ProfileParameters, AKindThatAcceptsNoneRefusesAll) {
  Profile profile = parsed(with(fullProfile(), "    parameters: GpuConfig\n", ""));

  EXPECT_THAT(profile.decodeParameters("nic", nlohmann::json::object()),
              Fails(Code::invalidArgument, "error decoding config parameters: devices of kind nic accept none"));
  EXPECT_THAT(profile.defaultParameters("nic"), IsOkAndHolds(Parameters()));
}

TEST(ProfileDocumentation, TheWorkedExampleIsAValidProfile) {
  std::string text = fakes::sourceFile("docs/profiles.md");
  constexpr std::string_view kFence = "```yaml\napiVersion: simgpu/v1alpha1\n";
  auto start = text.find(kFence);
  ASSERT_NE(start, std::string::npos);
  start += std::string_view("```yaml\n").size();
  Profile profile = parsed(text.substr(start, text.find("```", start) - start));

  NodeContext node{.nodeName = "node0", .driverName = "nic.example.com", .numDevices = {}};
  auto devices = profile.devices(node);

  ASSERT_OK(devices);
  ASSERT_EQ(devices->size(), 4);
  auto edits = profile.deviceEdits(
      node, devices->front(),
      {.claimUid = "u-1", .shareId = "s-1", .consumedCapacity = {{"bandwidth", *base::Quantity::parse("10G")}}},
      *profile.defaultParameters(devices->front().kind));
  ASSERT_OK(edits);
  EXPECT_THAT(edits->env, ElementsAre("NIC_0=nic-0", "NIC_0_CLAIM=u-1", "NIC_0_SHARE=s-1", "NIC_0_BANDWIDTH=10G"));
}

}  // namespace
}  // namespace simgpu::device
