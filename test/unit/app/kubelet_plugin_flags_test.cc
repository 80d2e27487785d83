#include <gmock/gmock.h>

#include "app/kubelet_plugin.h"
#include "fakes/result_matchers.h"

namespace simgpu::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class KubeletPluginFlagsTest : public testing::Test {
 protected:
  Result<ParsedCommandLine> parse(std::vector<std::string> words, const Environment& environment = {}) {
    words.insert(words.begin(), "dra-example-kubeletplugin");
    return parseCommandLine(std::move(words), environment, {kubeletPluginSubcommand(flags)});
  }

  KubeletPluginFlags flags;
};

struct Sample {
  const char* flag;
  const char* variable;
  const char* value;
};

/// Everything that the reference driver takes.
constexpr Sample kReference[] = {
    {"node-name", "NODE_NAME", "node-a"},
    {"cdi-root", "CDI_ROOT", "/var/run/cdi"},
    {"num-devices", "NUM_DEVICES", "9"},
    {"kubelet-registrar-directory-path", "KUBELET_REGISTRAR_DIRECTORY_PATH", "/k/registry"},
    {"kubelet-plugins-directory-path", "KUBELET_PLUGINS_DIRECTORY_PATH", "/k/plugins"},
    {"healthcheck-port", "HEALTHCHECK_PORT", "51515"},
    {"metrics-port", "METRICS_PORT", "8080"},
    {"device-profile", "DEVICE_PROFILE", "gpu"},
    {"driver-name", "DRIVER_NAME", "gpu.example.com"},
    {"pod-uid", "POD_UID", "7c0d9ef4-7c3e-4d0e-8d4f-0b6d6d7d0c11"},
    {"gpu-partitions", "GPU_PARTITIONS", "0"},
    {"gpu-allow-multiple-allocations", "GPU_ALLOW_MULTIPLE_ALLOCATIONS", "false"},
    {"binding-conditions", "BINDING_CONDITIONS", "False"},
    {"gpu-device-status", "GPU_DEVICE_STATUS", "true"},
    {"cpu-numa-nodes", "CPU_NUMA_NODES", "8"},
    {"cpus-per-numa-node", "CPUS_PER_NUMA_NODE", "4"},
    {"kubeconfig", "KUBECONFIG", "/root/.kube/config"},
    {"kube-api-qps", "KUBE_API_QPS", "7.5"},
    {"kube-api-burst", "KUBE_API_BURST", "20"},
    {"feature-gates", "FEATURE_GATES", "ContextualLogging=true,AllAlpha=false"},
    {"logging-format", "LOGGING_FORMAT", "json"},
    {"v", "V", "4"},
    {"vmodule", "VMODULE", "preparer=5,slice*=2"},
    {"log-flush-frequency", "LOG_FLUSH_FREQUENCY", "1m30s"},
    {"log-json-info-buffer-size", "LOG_JSON_INFO_BUFFER_SIZE", "64Ki"},
    {"log-text-info-buffer-size", "LOG_TEXT_INFO_BUFFER_SIZE", "0"},
    {"log-json-split-stream", "LOG_JSON_SPLIT_STREAM", "false"},
    {"log-text-split-stream", "LOG_TEXT_SPLIT_STREAM", "true"},
};

TEST_F(KubeletPluginFlagsTest, WhatDevicesAreMadeOfIsTaken) {
  ASSERT_OK(parse({"--gpu-partitions=4", "--gpu-allow-multiple-allocations", "--cpu-numa-nodes=2"},
                  {{"BINDING_CONDITIONS", "true"}, {"CPUS_PER_NUMA_NODE", "16"}}));

  EXPECT_EQ(flags.gpuPartitions, 4);
  EXPECT_TRUE(flags.gpuAllowMultipleAllocations);
  EXPECT_TRUE(flags.bindingConditions);
  EXPECT_EQ(flags.cpuNumaNodes, 2);
  EXPECT_EQ(flags.cpusPerNumaNode, 16);
}

TEST_F(KubeletPluginFlagsTest, NonsenseIsRefusedByEveryFlagThatExpectsSomething) {
  constexpr Sample kNonsense[] = {
      {"num-devices", "", "-1"},
      {"num-devices", "", "10001"},
      {"healthcheck-port", "", "70000"},
      {"metrics-port", "", "x"},
      {"kube-api-qps", "", "fast"},
      {"kube-api-burst", "", "0"},
      {"gpu-partitions", "", "x"},
      {"gpu-partitions", "", "-1"},
      {"gpu-partitions", "", "10001"},
      {"gpu-partitions", "", "2.5"},
      {"gpu-partitions", "", "99999999999999999999"},
      {"gpu-allow-multiple-allocations", "", "x"},
      {"gpu-device-status", "", "yes"},
      {"cpu-numa-nodes", "", "x"},
      {"cpus-per-numa-node", "", "-4"},
      {"feature-gates", "", "ContextualLogging"},
      {"feature-gates", "", "Nonsense=true"},
      {"feature-gates", "", "AllBeta=maybe"},
      {"feature-gates", "", "AllBeta=true,,AllAlpha=true"},
      {"logging-format", "", "xml"},
      {"v", "", "-1"},
      {"vmodule", "", "preparer"},
      {"log-flush-frequency", "", "5"},
      {"log-json-info-buffer-size", "", "much"},
      {"log-text-split-stream", "", "x"},
  };
  for (const Sample& sample : kNonsense) {
    EXPECT_THAT(parse({fmt::format("--{}={}", sample.flag, sample.value)}),
                Fails(Code::invalidArgument, AllOf(StartsWith(fmt::format("--{}: \"{}\": ", sample.flag, sample.value)),
                                                   Not(HasSubstr("\n")))));
  }
}

TEST_F(KubeletPluginFlagsTest, EveryFlagOfTheReferenceIsTakenWithOneAndTwoDashesAndFromTheEnvironment) {
  for (const Sample& sample : kReference) {
    EXPECT_OK(parse({fmt::format("--{}={}", sample.flag, sample.value)})) << sample.flag;
    EXPECT_OK(parse({fmt::format("-{}={}", sample.flag, sample.value)})) << sample.flag;
    EXPECT_OK(parse({}, {{sample.variable, sample.value}})) << sample.variable;
  }
}

TEST_F(KubeletPluginFlagsTest, TheEnvironmentOfTheReferencesChartSetsWhatItSays) {
  Environment environment;
  for (const Sample& sample : kReference) {
    environment.emplace(sample.variable, sample.value);
  }

  ASSERT_OK(parse({}, environment));

  EXPECT_EQ(flags.nodeName, "node-a");
  EXPECT_EQ(flags.cdiRoot, "/var/run/cdi");
  EXPECT_EQ(flags.numDevices, 9);
  EXPECT_EQ(flags.registryDirectory, "/k/registry");
  EXPECT_EQ(flags.pluginsDirectory, "/k/plugins");
  EXPECT_EQ(flags.healthcheckPort, 51515);
  EXPECT_EQ(flags.metricsPort, 8080);
  EXPECT_EQ(flags.deviceProfile, "gpu");
  EXPECT_EQ(flags.driverName, "gpu.example.com");
  EXPECT_EQ(flags.podUid, "7c0d9ef4-7c3e-4d0e-8d4f-0b6d6d7d0c11");
  EXPECT_TRUE(flags.gpuDeviceStatus);
  EXPECT_EQ(flags.kubeconfig, "/root/.kube/config");
  EXPECT_EQ(flags.kubeApiQps, 7.5);
  EXPECT_EQ(flags.kubeApiBurst, 20);
  EXPECT_EQ(flags.log.format, base::LogFormat::json);
  EXPECT_EQ(flags.log.verbosity, 4);
  EXPECT_EQ(flags.log.verbosityByFile, "preparer=5,slice*=2");
  EXPECT_OK(validate(flags));
}

TEST_F(KubeletPluginFlagsTest, TheDefaultsAreThoseOfTheReference) {
  ASSERT_OK(parse({}));

  EXPECT_EQ(flags.cdiRoot, "/etc/cdi");
  EXPECT_EQ(flags.registryDirectory, "/var/lib/kubelet/plugins_registry");
  EXPECT_EQ(flags.pluginsDirectory, "/var/lib/kubelet/plugins");
  EXPECT_EQ(flags.healthcheckPort, -1);
  EXPECT_EQ(flags.metricsPort, -1);
  EXPECT_EQ(flags.deviceProfile, "gpu");
  EXPECT_EQ(flags.kubeApiQps, 5);
  EXPECT_EQ(flags.kubeApiBurst, 10);
  EXPECT_EQ(flags.log.verbosity, 0);
}

class ValidateTest : public testing::Test {
 protected:
  ValidateTest() { flags.nodeName = "node-a"; }

  KubeletPluginFlags flags;
};

TEST_F(ValidateTest, TheNodeNameIsRequiredInTheWordsOfTheReference) {
  flags.nodeName = "";
  EXPECT_THAT(validate(flags), Fails(Code::invalidArgument, StartsWith("Required flag \"node-name\" not set")));
}

TEST_F(ValidateTest, ANodeNameIsWhatKubernetesTakes) {
  for (const std::string& name : {std::string("Node"), std::string("node_a"), std::string("-a"), std::string("a-"),
                                  std::string("a..b"), std::string("a."), std::string(254, 'a')}) {
    flags.nodeName = name;
    EXPECT_THAT(validate(flags), Fails(Code::invalidArgument, StartsWith("--node-name: \"" + name + "\": expected")));
  }
  for (const std::string& name : {std::string("1"), std::string("ip-10-0-0-1.ec2.internal"), std::string("a--b")}) {
    flags.nodeName = name;
    EXPECT_OK(validate(flags)) << name;
  }
}

TEST_F(ValidateTest, ADriverNameIsADnsNameOfAtMost63Characters) {
  for (const std::string& name : {std::string("GPU.example.com"), std::string("gpu/x"), std::string(64, 'a')}) {
    flags.driverName = name;
    EXPECT_THAT(validate(flags), Fails(Code::invalidArgument, StartsWith("--driver-name: \"" + name + "\": expected")));
  }
  flags.driverName = std::string(61, 'a') + ".b";
  EXPECT_OK(validate(flags));
}

TEST_F(ValidateTest, DirectoriesAreAbsoluteAndMeanTheSameToTheKubelet) {
  for (auto [directory, flag] : {std::pair(&flags.cdiRoot, "--cdi-root"),
                                 std::pair(&flags.registryDirectory, "--kubelet-registrar-directory-path"),
                                 std::pair(&flags.pluginsDirectory, "--kubelet-plugins-directory-path")}) {
    std::string before = *directory;
    for (const char* path : {"", "relative", "/with%20percent", "/with?", "/with#", "/with\nnewline"}) {
      *directory = path;
      EXPECT_THAT(validate(flags), Fails(Code::invalidArgument, StartsWith(flag))) << path;
    }
    *directory = before;
  }
  EXPECT_OK(validate(flags));
}

TEST_F(ValidateTest, ThePodUidGoesIntoFileNames) {
  for (const std::string& uid : {std::string("../x"), std::string("a b"), std::string(64, 'a')}) {
    flags.podUid = uid;
    EXPECT_THAT(validate(flags), Fails(Code::invalidArgument, StartsWith("--pod-uid: \"" + uid + "\": expected")));
  }
}

}  // namespace
}  // namespace simgpu::app
