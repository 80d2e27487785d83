#include "slice/dropped.h"

#include <gtest/gtest.h>

#include "unit/slice/slice_builder.h"

namespace simgpu::slice {
namespace {

kube::ResourceSlice slice() {
  return plan(gpus(2)).slices.front();
}

TEST(Dropped, NamesTheFirstFieldAndItsDevice) {
  auto sent = slice();

  auto stored = sent;
  stored.devices[1].attributes.erase("model");
  EXPECT_EQ(firstDifference(sent, stored), "attribute model of device gpu-1");

  stored = sent;
  stored.devices[0].capacity["memory"] = base::Quantity::decimal(1);
  EXPECT_EQ(firstDifference(sent, stored), "capacity memory of device gpu-0");

  stored = sent;
  stored.devices[0].attributes["more"] = true;
  EXPECT_EQ(firstDifference(sent, stored), "attribute more of device gpu-0");

  stored = sent;
  stored.devices[0].allowMultipleAllocations = true;
  EXPECT_EQ(firstDifference(sent, stored), "allowMultipleAllocations of device gpu-0");

  stored = sent;
  stored.devices[0].others["taints"] = {1};
  EXPECT_EQ(firstDifference(sent, stored), "another field of device gpu-0");
}

TEST(Dropped, NamesWhatFeatureGatesTakeAway) {
  auto sent = slice();
  kube::Device& device = sent.devices[0];
  auto differs = [&](auto drop) {
    auto stored = sent;
    drop(stored.devices[0]);
    return firstDifference(sent, stored);
  };

  device.requestPolicies["memory"].standard = base::Quantity::decimal(1);
  EXPECT_EQ(differs([](kube::Device& stored) { stored.requestPolicies.clear(); }),
            "requestPolicy of capacity memory of device gpu-0");
  device.consumesCounters = {{.counterSet = "c", .counters = {}}};
  EXPECT_EQ(differs([](kube::Device& stored) { stored.consumesCounters.clear(); }), "consumesCounters of device gpu-0");
  device.taints = {{.key = "k", .value = {}, .effect = "NoSchedule", .timeAdded = {}}};
  EXPECT_EQ(differs([](kube::Device& stored) { stored.taints.clear(); }), "taints of device gpu-0");
  device.bindingConditions = {"Ready"};
  EXPECT_EQ(differs([](kube::Device& stored) { stored.bindingConditions.clear(); }),
            "bindingConditions of device gpu-0");
  device.nodeAllocatableResourceMappings["cpu"].capacityKey = "cpu";
  EXPECT_EQ(differs([](kube::Device& stored) { stored.nodeAllocatableResourceMappings.clear(); }),
            "nodeAllocatableResourceMappings of device gpu-0");
  device.nodeAllocatableResources["cpu"].capacityKey = "cpu";
  EXPECT_EQ(differs([](kube::Device& stored) { stored.nodeAllocatableResources.clear(); }),
            "nodeAllocatableResources of device gpu-0");

  auto stored = sent;
  sent.sharedCounters = {{.name = "c", .counters = {}}};
  EXPECT_EQ(firstDifference(sent, stored), "sharedCounters");
}

TEST(Dropped, NamesADeviceThatIsMissingOrMore) {
  auto sent = slice();
  auto fewer = sent;
  fewer.devices.pop_back();

  EXPECT_EQ(firstDifference(sent, fewer), "device gpu-1");
  EXPECT_EQ(firstDifference(fewer, sent), "device gpu-1");
}

TEST(Dropped, EqualDevicesDoNotDiffer) {
  EXPECT_EQ(firstDifference(slice(), slice()), "");
}

}  // namespace
}  // namespace simgpu::slice
