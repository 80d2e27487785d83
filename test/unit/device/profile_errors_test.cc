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
      {"countFrom: num-devices", "countFrom: all",
       "12: devices[0].countFrom: expected num-devices, gpu-partitions, cpu-numa-nodes or cpus-per-numa-node, found "
       "\"all\""},
      {"speed: {int: 100}", "speed: 100", "14: devices[0].attributes.speed: expected a mapping, found \"100\""},
      {"speed: {int: 100}", "speed: {float: 1}",
       "14: devices[0].attributes.speed: expected one of int, bool, string, version, ints, bools, strings, versions, "
       "found \"float\""},
      {"speed: {int: 100}", "speed: {int: 1, bool: true}",
       "14: devices[0].attributes.speed: expected exactly one of int, bool, string, version, ints, bools, strings, "
       "versions, found a mapping"},
      {"speed: {int: 100}", "9speed: {int: 100}", "14: devices[0].attributes.9speed: expected as name a C identifier"},
      {"NIC ${index}", "NIC ${claim.uid}", "16: devices[0].attributes.model.string: expected one of ${index}, ${name}"},
      {"100G", "100 G", "19: devices[0].capacity.bandwidth: expected a quantity such as 80Gi, found \"100 G\""},
      {"100G", "-1", "19: devices[0].capacity.bandwidth: expected a quantity such as 80Gi, found \"-1\""},
      {"parameters: GpuConfig", "parameters: TpuConfig",
       "21: devices[0].parameters: expected GpuConfig or NetConfig, found \"TpuConfig\""},
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

/// The full profile with these lines in its kind.
std::string withLines(const std::string& lines) {
  return with(fullProfile(), "    parameters: GpuConfig\n", lines + "    parameters: GpuConfig\n");
}

TEST(ProfileErrors, WhatADeviceIsMadeOfIsReadStrictly) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"    partitions: {count: 2}\n", "devices[0].partitions: expected a field counterSet, found none"},
      {"    partitions: {count: 2, counterSet: c, part: {name: p}, whole: {name: w}, more: 1}\n",
       "devices[0].partitions: expected one of count, countFrom, counterSet, part, whole, found \"more\""},
      {"    partitions: {count: -2, counterSet: c, part: {name: p}, whole: {name: w}}\n",
       "devices[0].partitions.count: expected a whole number from 0 to 10000, found \"-2\""},
      {"    partitions: {count: 2, counterSet: c, part: {name: p}, whole: {name: \"${partition}\"}}\n",
       "devices[0].partitions.whole.name: expected one of ${index}, ${name}, ${uuid}"},
      {"    taints: [{key: a b, effect: NoSchedule}]\n",
       "devices[0].taints[0].key: expected a label name such as example.com/unhealthy, found \"a b\""},
      {"    taints: [{key: a, value: -, effect: NoSchedule}]\n", "devices[0].taints[0].value: expected a label value"},
      {"    taints: [{key: a, effect: Never}]\n",
       "devices[0].taints[0].effect: expected NoSchedule, NoExecute or None, found \"Never\""},
      {"    taints: [{key: a}]\n", "devices[0].taints[0]: expected a field effect, found none"},
      {"    bindingConditions: [Ready]\n",
       "devices[0]: expected bindingConditions and bindingFailureConditions, found only one of them"},
      {"    bindingConditions: [Ready]\n    bindingFailureConditions: [Ready]\n",
       "devices[0]: expected \"Ready\" either as binding condition or as failure condition"},
      {"    bindingConditions: [a, b, c, d, e]\n    bindingFailureConditions: [f]\n",
       "devices[0].bindingConditions: expected 1 to 4 conditions, found 5"},
      {"    bindingConditions: [a, a]\n    bindingFailureConditions: [f]\n",
       "devices[0].bindingConditions[1]: expected each condition once, found \"a\" twice"},
      {"    nodeAllocatable: {cpu: {}}\n",
       "devices[0].nodeAllocatable.cpu: expected capacity or multiplier, found neither"},
      {"    nodeAllocatable: {cpu: {capacity: cores}}\n",
       "devices[0].nodeAllocatable.cpu.capacity: expected a capacity of this kind, found \"cores\""},
      {"    nodeAllocatable: {a/b: {multiplier: 1}}\n", "expected as name a resource of nodes such as cpu"},
      {"    allowMultipleAllocationsFrom: num-devices\n",
       "devices[0].allowMultipleAllocationsFrom: expected gpu-allow-multiple-allocations, found \"num-devices\""},
  };
  for (const auto& [lines, message] : cases) {
    EXPECT_THAT(Profile::parse(withLines(lines), "test.yaml"), Fails(Code::invalidArgument, HasSubstr(message)))
        << lines;
  }
}

TEST(ProfileErrors, ACapacityIsReadStrictly) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{}", "devices[0].capacity.bandwidth: expected a field value, found none"},
      {"{value: 1, valueFrom: x}", "devices[0].capacity.bandwidth.valueFrom: expected num-devices, "},
      {"{value: 1, requestPolicy: {}}",
       "devices[0].capacity.bandwidth.requestPolicy: expected either validValues or validRange"},
      {"{value: 1, requestPolicy: {validValues: [1], validRange: {min: 1}}}",
       "devices[0].capacity.bandwidth.requestPolicy: expected either validValues or validRange"},
      {"{value: 9, requestPolicy: {validValues: [2, 1]}}",
       "devices[0].capacity.bandwidth.requestPolicy.validValues: expected 1 to 10 quantities in ascending order"},
      {"{value: 9, requestPolicy: {validValues: []}}",
       "devices[0].capacity.bandwidth.requestPolicy.validValues: expected 1 to 10 quantities in ascending order"},
      {"{value: 9, requestPolicy: {validRange: {max: 1}}}",
       "devices[0].capacity.bandwidth.requestPolicy.validRange: expected a field min, found none"},
      {"{value: 9, requestPolicy: {validRange: {min: 1, step: 0}}}",
       "devices[0].capacity.bandwidth.requestPolicy.validRange.step: expected a quantity of more than 0"},
  };
  for (const auto& [capacity, message] : cases) {
    EXPECT_THAT(Profile::parse(with(fullProfile(), "bandwidth: 100G", "bandwidth: " + capacity), "test.yaml"),
                Fails(Code::invalidArgument, HasSubstr(message)))
        << capacity;
  }
  std::string exclusive =
      with(fullProfile(), "bandwidth: 100G", "bandwidth: {value: 100G, requestPolicy: {validRange: {min: 1G}}}");
  EXPECT_THAT(Profile::parse(with(exclusive, "allowMultipleAllocations: true", "allowMultipleAllocations: false"), "t"),
              Fails(Code::invalidArgument, HasSubstr("expected a requestPolicy only where claims may share a device")));
  EXPECT_THAT(Profile::parse(with(fullProfile(), "bandwidth: 100G", "${node.name}/bandwidth: 100G"), "t"),
              Fails(Code::invalidArgument, HasSubstr("expected as name a C identifier")));
}

TEST(ProfileErrors, OnlyWhatCanBeACounterIsDivided) {
  std::string partitions = "    partitions: {count: 2, counterSet: c, part: {name: p}, whole: {name: w}}\n";
  std::string text = with(withLines(partitions), "bandwidth: 100G", "rxBandwidth: 100G");

  EXPECT_THAT(Profile::parse(with(text, "consumed.bandwidth", "consumed.rxBandwidth"), "t"),
              Fails(Code::invalidArgument, HasSubstr("expected capacities whose names can be counters")));
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
