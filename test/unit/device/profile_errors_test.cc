#include "unit/device/profile_builder.h"

namespace simgpu::device {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Case {
  std::string_view from;  ///< What of the full profile is replaced,
  std::string to;         ///< and by what.
  std::string message;    ///< Behind `test.yaml:`.
};

TEST(ProfileErrors, TellOriginLineFieldAndWhatIsExpected) {
  const std::vector<Case> cases = {
      {"simgpu/v1alpha1", "simgpu/v9", "1: apiVersion: expected simgpu/v1alpha1, found \"simgpu/v9\""},
      {"DeviceProfile", "Profile", "2: kind: expected DeviceProfile, found \"Profile\""},
      {"name: nic\n", "name: NIC\n", "3: name: expected a name of lower case letters, digits and -, found \"NIC\""},
      {"name: nic\n", "name: [nic]\n", "3: name: expected a text, found a list"},
      {"name: nic\n", "name:\n", "3: name: expected a text, found nothing"},
      {"name: nic\n", "", "1: expected a field name, found none"},
      {"name: nic\n", "name: nic\nname: nic\n", "4: expected each name once, found \"name\" twice"},
      {"name: nic\n", "name: nic\nfoo: 1\n",
       "1: expected one of apiVersion, kind, name, class, driverName, env, devices"},
      {"class: net", "class: -x", "4: class: "},
      {"class: net", "class: 9net", "4: class: expected letters, digits, - and _ that start with a letter, found "},
      {"driverName: net.example.com", "driverName: net_example", "5: driverName: expected a DNS subdomain"},
      {"${node.name}", "${name}", "7: env[0].value: expected one of ${node.name}, ${driver.name}, found \"${name}\""},
      {"NODE", "1NODE",
       "7: env[0].name: expected letters, digits and _ that start with a letter or _, found \"1NODE\""},
      {"NODE", "NO-DE", "7: env[0].name: expected letters"},
      {"{name: NODE, ", "{", "7: env[0]: expected a field name, found none"},
      {"  - kind: nic", "  - kind: n_c", "9: devices[0].kind: expected a name"},
      {"nic-${index}", "nic-${name}", "10: devices[0].name: expected one of ${index}, ${uuid}, ${node.name}"},
      {"nic-${index}", "nic-${index", "10: devices[0].name: expected ${variable}, or $$ for a dollar sign"},
      {"nic-${index}", "nic-$index", "10: devices[0].name: expected ${variable}, or $$ for a dollar sign"},
      {"count: 2", "count: -1", "11: devices[0].count: expected a whole number from 0 to 10000, found \"-1\""},
      {"count: 2", "count: 10001", "11: devices[0].count: expected a whole number from 0 to 10000"},
      {"count: 2", "count: 99999999999999999999", "11: devices[0].count: expected a whole number from 0 to 10000"},
      {"count: 2", "count: 2.0", "11: devices[0].count: expected a whole number"},
      {"count: 2", "count: \"2\"", "11: devices[0].count: expected a whole number"},
      {"    count: 2\n", "", "9: devices[0]: expected a field count, found none"},
      {"countFromNumDevices: true", "countFromNumDevices: yes",
       "12: devices[0].countFromNumDevices: expected true or false, found \"yes\""},
      {"speed: {int: 100}", "speed: 100", "14: devices[0].attributes.speed: expected a mapping, found \"100\""},
      {"speed: {int: 100}", "speed: {float: 1}",
       "14: devices[0].attributes.speed: expected one of int, bool, string, version, found \"float\""},
      {"speed: {int: 100}", "speed: {int: 1, bool: true}",
       "14: devices[0].attributes.speed: expected exactly one of int, bool, string, version, found a mapping"},
      {"speed: {int: 100}", "9speed: {int: 100}", "14: devices[0].attributes.9speed: expected as name a C identifier"},
      {"NIC ${index}", "NIC ${claim.uid}", "16: devices[0].attributes.model.string: expected one of ${index}, ${name}"},
      {"100G", "100 G", "19: devices[0].capacity.bandwidth: expected a quantity such as 80Gi, found \"100 G\""},
      {"100G", "-1", "19: devices[0].capacity.bandwidth: expected a quantity such as 80Gi, found \"-1\""},
      {"parameters: GpuConfig", "parameters: NetConfig",
       "21: devices[0].parameters: expected GpuConfig, found \"NetConfig\""},
      {"NIC_${ID}_RATE", "NIC_${ID}", "24: devices[0].env[1].name: expected each name once, found \"NIC_${ID}\" twice"},
      {"NIC_${ID}_RATE", "${ID}_RATE", "24: devices[0].env[1].name: expected letters"},
      {"NIC_${ID}_RATE", "NIC_${name}", "24: devices[0].env[1].name: expected one of ${index}, ${NAME}, ${ID}, found"},
      {"consumed.bandwidth", "consumed.memory",
       "22: devices[0].env: expected a capacity of this kind in ${consumed.…}, found \"memory\""},
      {"\"${name}\"", "\"${shareId}\"", "9: devices[0]: env: expected at least one variable that every device sets"},
      {"    parameters: GpuConfig\n", "    parameters: GpuConfig\n    env: []\n",
       "23: devices[0]: expected each name once, found \"env\" twice"},
  };
  for (const auto& [from, to, message] : cases) {
    std::string text = with(fullProfile(), from, to);
    auto profile = Profile::parse(text, "test.yaml");
    EXPECT_THAT(profile, Fails(Code::invalidArgument, StartsWith("test.yaml:"))) << to;
    EXPECT_THAT(profile, Fails(Code::invalidArgument, HasSubstr(message))) << to;
  }
}

TEST(ProfileErrors, TwoKindsOfOneNameAreRefused) {
  std::string kind = fullProfile().substr(fullProfile().find("  - kind: nic"));

  EXPECT_THAT(Profile::parse(fullProfile() + kind, "t"),
              Fails(Code::invalidArgument, "t:25: devices[1]: expected each kind once, found \"nic\" twice"));
}

TEST(ProfileErrors, ConfigVariablesNeedAKindThatAcceptsAConfig) {
  std::string text =
      with(with(fullProfile(), "    parameters: GpuConfig\n", ""), "${consumed.bandwidth}", "${config.strategy}");

  EXPECT_THAT(Profile::parse(text, "t"), Fails(Code::invalidArgument, HasSubstr("found \"${config.strategy}\"")));
}

TEST(ProfileErrors, MoreAttributesThanADeviceMayHaveAreRefused) {
  std::string attributes;
  for (int i = 0; i < 28; ++i) {
    attributes += fmt::format("      a{}: {{int: 1}}\n", i);
  }

  EXPECT_THAT(Profile::parse(with(fullProfile(), "      speed:", attributes + "      speed:"), "t"),
              Fails(Code::invalidArgument, HasSubstr("expected at most 32 attributes and capacities, found 33")));
}

TEST(ProfileErrors, AStrayCommaBehindTheDocumentIsRefused) {
  EXPECT_THAT(Profile::parse("{a: b},", "t"), Fails(Code::invalidArgument, HasSubstr("found several")));
}

TEST(ProfileErrors, WhatIsNotUtf8IsRefused) {
  for (const char* text : {"NIC \xff", "NIC \xed\xa0\x80", "\xe4", "NIC \xc3"}) {
    EXPECT_THAT(Profile::parse(with(fullProfile(), "NIC ${index}", text), "t"),
                Fails(Code::invalidArgument, AllOf(StartsWith("t:16: "), HasSubstr("not valid UTF-8"))));
  }
  EXPECT_OK(Profile::parse(with(fullProfile(), "NIC ${index}", "\xc3\xa4"), "t"));
}

TEST(ProfileErrors, WhatIsNotOneYamlDocumentIsRefused) {
  EXPECT_THAT(Profile::parse("", "t"), Fails(Code::invalidArgument, "t:1: expected one YAML document, found none"));
  EXPECT_THAT(Profile::parse(fullProfile() + "---\na: b\n", "t"),
              Fails(Code::invalidArgument, HasSubstr("found several")));
  EXPECT_THAT(Profile::parse("a: [", "t"), Fails(Code::invalidArgument, HasSubstr("expected YAML: ")));
  EXPECT_THAT(Profile::parse("a: b\n\t- c", "t"), Fails(Code::invalidArgument, StartsWith("t:2: expected YAML: ")));
  EXPECT_THAT(Profile::parse("- a", "t"), Fails(Code::invalidArgument, "t:1: expected a mapping, found a list"));
  EXPECT_THAT(Profile::parse("text", "t"), Fails(Code::invalidArgument, "t:1: expected a mapping, found \"text\""));
  EXPECT_THAT(Profile::parse("? [a]\n: b", "t"),
              Fails(Code::invalidArgument, StartsWith("t:1: expected a name, found ")));
  EXPECT_THAT(Profile::parse(std::string(100'000, '['), "t"), Fails(Code::invalidArgument, testing::_));
  EXPECT_THAT(Profile::parse(std::string(2 << 20, 'a'), "t"), Fails(Code::invalidArgument, HasSubstr("1048576 bytes")));
}

TEST(ProfileErrors, AliasesAreRefused) {
  EXPECT_THAT(Profile::parse("a: &a [x]\nb: *a\n", "t"),
              Fails(Code::invalidArgument, AllOf(StartsWith("t:2: "), HasSubstr("aliases"))));
}

}  // namespace
}  // namespace simgpu::device
