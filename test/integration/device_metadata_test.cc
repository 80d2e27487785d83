// Device metadata, from the real program to what a kubelet mounts into containers.

#include <csignal>

#include "integration/running_node.h"

namespace simgpu::integration {
namespace {

using fakes::AllocationBuilder;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class DeviceMetadataTest : public RunningNodeTest {
 protected:
  void SetUp() override { startKubelet(); }

  std::filesystem::path directory = kubeletRoot / "plugins/gpu.example.com/dra-device-metadata";
};

TEST_F(DeviceMetadataTest, AContainerReadsAboutTheDevicesOfTheRequestsThatItLists) {
  run({"--device-metadata"});
  claim::ClaimRef ref = cluster.claim(
      "train", AllocationBuilder().device("gpu-0", "a").device("gpu-1", "a").device("gpu-2", "b").build());

  auto devices = prepare(ref);

  ASSERT_OK(devices);
  ASSERT_THAT(*devices, SizeIs(3));
  auto all = mountsOf(*devices);
  ASSERT_THAT(all, SizeIs(2));
  auto onlyB = mountsOf({(*devices)[2]});
  ASSERT_THAT(onlyB, SizeIs(1));
  EXPECT_EQ(onlyB.front().containerPath,
            "/var/run/kubernetes.io/dra-device-attributes/resourceclaims/train/b/gpu.example.com-metadata.json");
  EXPECT_THAT(contentOf(onlyB.front().hostPath), AllOf(HasSubstr("\"gpu-2\""), Not(HasSubstr("\"gpu-0\""))));
  EXPECT_THAT(contentOf(all.front().hostPath),
              AllOf(HasSubstr("\"gpu-0\""), HasSubstr("\"gpu-1\""), HasSubstr("metadata.resource.k8s.io/v1beta1"),
                    HasSubstr("\"namespace\": \"team-a\"")));
  EXPECT_OK(unprepare(ref));
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  EXPECT_THAT(cdiFiles(), IsEmpty());
}

TEST_F(DeviceMetadataTest, AKilledDriverAnswersTheSameAndItsFilesAreThere) {
  run({"--device-metadata"});
  claim::ClaimRef ref = cluster.claim("train", AllocationBuilder().device("gpu-0").build());
  auto first = prepare(ref);
  ASSERT_OK(first);
  stop(SIGKILL);

  run({"--device-metadata"});

  ASSERT_TRUE(fakes::eventually([&] { return prepare(ref) == first; })) << driverLog();
  EXPECT_THAT(contentOf(mountsOf(*first).front().hostPath), EndsWith("}\n\n"));
}

TEST_F(DeviceMetadataTest, WithoutTheFlagNothingIsMounted) {
  run();
  auto devices = prepare(cluster.claim("train", AllocationBuilder().device("gpu-0").build()));
  ASSERT_OK(devices);
  EXPECT_THAT(mountsOf(*devices), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(directory));
}

}  // namespace
}  // namespace simgpu::integration
