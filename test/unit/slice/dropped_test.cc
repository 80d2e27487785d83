#include "slice/dropped.h"

#include <gtest/gtest.h>

#include "unit/slice/slice_builder.h"

namespace simgpu::slice {
namespace {

std::vector<kube::Device> devices() {
  return plan(gpus(2)).front().devices;
}

TEST(Dropped, NamesTheFirstFieldAndItsDevice) {
  auto sent = devices();

  auto stored = sent;
  stored[1].attributes.erase("model");
  EXPECT_EQ(firstDifference(sent, stored), "attribute model of device gpu-1");

  stored = sent;
  stored[0].capacity["memory"] = base::Quantity::decimal(1);
  EXPECT_EQ(firstDifference(sent, stored), "capacity memory of device gpu-0");

  stored = sent;
  stored[0].attributes["more"] = true;
  EXPECT_EQ(firstDifference(sent, stored), "attribute more of device gpu-0");

  stored = sent;
  stored[0].allowMultipleAllocations = true;
  EXPECT_EQ(firstDifference(sent, stored), "allowMultipleAllocations of device gpu-0");

  stored = sent;
  stored[0].others["taints"] = {1};
  EXPECT_EQ(firstDifference(sent, stored), "another field of device gpu-0");
}

TEST(Dropped, NamesADeviceThatIsMissingOrMore) {
  auto sent = devices();
  auto fewer = sent;
  fewer.pop_back();

  EXPECT_EQ(firstDifference(sent, fewer), "device gpu-1");
  EXPECT_EQ(firstDifference(fewer, sent), "device gpu-1");
}

TEST(Dropped, EqualDevicesDoNotDiffer) {
  EXPECT_EQ(firstDifference(devices(), devices()), "");
}

}  // namespace
}  // namespace simgpu::slice
