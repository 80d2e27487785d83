#include "app/check_injection.h"

#include <gmock/gmock.h>

#include "fakes/result_matchers.h"

namespace simgpu::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const Environment kNode = {{"DRA_RESOURCE_DRIVER_NAME", "gpu.example.com"}, {"KUBERNETES_NODE_NAME", "node-a"}};

/// The variables of a container of `node-a`.
Environment container(Environment variables) {
  variables.insert(kNode.begin(), kNode.end());
  return variables;
}

TEST(CheckInjectionTest, WithoutDevicesItSaysWhatToSetInThePodAndInTheRuntime) {
  EXPECT_THAT(
      checkInjection({{"PATH", "/usr/bin"}, {"KUBERNETES_NODE_NAME", "node-a"}}),
      Fails(Code::notFound, AllOf(StartsWith("this container was given no device"), HasSubstr("resources.claims"),
                                  HasSubstr("enable_cdi = true"), HasSubstr("cdi_spec_dirs"), HasSubstr("--cdi-root"),
                                  HasSubstr("CRI-O"), Not(HasSubstr("\n")))));
}

TEST(CheckInjectionTest, VariablesOfServicesWithSuchANameAreNoDevices) {
  EXPECT_THAT(checkInjection({{"MY_DEVICE_SERVICE_HOST", "10.96.0.7"},
                              {"MY_DEVICE_1_PORT", "tcp://10.96.0.7:80"},
                              {"_DEVICE_X_RESOURCE_CLAIM", "u-1"},
                              {"GPU_DEVICE__RESOURCE_CLAIM", "u-1"},
                              {"GPU_DEVICE_RESOURCE_CLAIM", "u-1"},
                              {"X_RESOURCE_CLAIM", "u-1"}}),
              Fails(Code::notFound, StartsWith("this container was given no device")));
}

TEST(CheckInjectionTest, EachDeviceIsOneLineWithItsClaimWhateverVariablesNameIt) {
  EXPECT_THAT(checkInjection(container({{"GPU_DEVICE_10", "gpu-10"},
                                        {"GPU_DEVICE_10_RESOURCE_CLAIM", "u-1"},
                                        {"GPU_DEVICE_GPU_10_RESOURCE_CLAIM", "u-1"},
                                        {"GPU_DEVICE_2", "gpu-2"},
                                        {"GPU_DEVICE_2_RESOURCE_CLAIM", "u-2"},
                                        {"GPU_DEVICE_2_SHARING_STRATEGY", "TimeSlicing"},
                                        {"GPU_DEVICE_GPU_2_RESOURCE_CLAIM", "u-2"}})),
              IsOkAndHolds("gpu-2  claim=u-2  driver=gpu.example.com  node=node-a\n"
                           "gpu-10  claim=u-1  driver=gpu.example.com  node=node-a\n"));
}

TEST(CheckInjectionTest, TheVariablesOfEachReleaseOfTheReferenceAreUnderstood) {
  const char* line = "gpu-6  claim=u-1  driver=gpu.example.com  node=node-a\n";

  EXPECT_THAT(checkInjection(container({{"GPU_DEVICE_6", "gpu-6"}, {"GPU_DEVICE_6_RESOURCE_CLAIM", "u-1"}})),
              IsOkAndHolds(line));
  EXPECT_THAT(checkInjection(container({{"GPU_DEVICE_6", "gpu-6"}, {"GPU_DEVICE_GPU_6_RESOURCE_CLAIM", "u-1"}})),
              IsOkAndHolds(line));
  EXPECT_THAT(checkInjection(container({{"GPU_DEVICE_0_PARTITION_1", "gpu-0-partition-1"},
                                        {"GPU_DEVICE_GPU_0_PARTITION_1_RESOURCE_CLAIM", "u-1"}})),
              IsOkAndHolds(StartsWith("gpu-0-partition-1  claim=u-1  ")));
  EXPECT_THAT(checkInjection(container({{"NET_DEVICE_NIC_0_RESOURCE_CLAIM", "u-1"}})),
              IsOkAndHolds(StartsWith("nic-0  claim=u-1  ")));
}

TEST(CheckInjectionTest, AProfileThatNamesNoDeviceStillShowsThatSomethingWasInjected) {
  EXPECT_THAT(checkInjection(kNode), IsOkAndHolds(StartsWith("driver=gpu.example.com  node=node-a  ")));
}

TEST(CheckInjectionTest, WhatAProfileLeavesOutIsUnknown) {
  EXPECT_THAT(checkInjection({{"NIC_DEVICE_NIC_0_RESOURCE_CLAIM", "u-1"}}),
              IsOkAndHolds("nic-0  claim=u-1  driver=unknown  node=unknown\n"));
}

}  // namespace
}  // namespace simgpu::app
