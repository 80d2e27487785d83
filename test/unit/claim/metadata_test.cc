#include "simgpu/claim/metadata.h"

#include <nlohmann/json.hpp>

#include "fakes/golden.h"
#include "fakes/result_matchers.h"
#include "simgpu/claim/allocation.h"

namespace simgpu::claim {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const SpecNaming kNaming{.driverName = "gpu.example.com", .cdiClass = "gpu"};
const std::filesystem::path kDirectory = "/plugins/gpu.example.com/dra-device-metadata";

kube::AllocationResult result(std::string request, std::string device) {
  return {.request = std::move(request), .driver = "gpu.example.com", .pool = "node-a", .device = std::move(device)};
}

class MetadataTest : public testing::Test {
 protected:
  MetadataTest()
      : inventory(*device::Inventory::create(*device::Profile::embedded("gpu"),
                                             {.nodeName = "node-a", .driverName = "gpu.example.com"})) {}

  /// Resolves and describes a claim with these results.
  Result<Record> describe(std::vector<kube::AllocationResult> results) {
    claim.allocation = kube::Allocation{.results = std::move(results), .config = {}};
    auto record = resolveAllocation(inventory, kNaming, ref, *claim.allocation, "boot-1");
    EXPECT_OK(record);
    return describeDevices(*std::move(record), inventory, kNaming, claim, kDirectory);
  }

  static const cdi::Mount& mountOf(const Record& record, std::string_view device) {
    return std::ranges::find(record.spec.devices, device, &cdi::Device::name)->edits.mounts.front();
  }

  device::Inventory inventory;
  ClaimRef ref{.space = "team-a", .name = "train", .uid = "u-1"};
  kube::ResourceClaim claim;
};

TEST_F(MetadataTest, NamesThatCouldLeadElsewhereAreRefused) {
  for (const char* name : {"..", ".", "../../../etc", "a/b", "a\nb", "a b"}) {
    claim.metadata.annotations["resource.kubernetes.io/pod-claim-name"] = name;
    EXPECT_THAT(describe({result("gpu", "gpu-0")}),
                Fails(Code::invalidArgument, HasSubstr("resource.kubernetes.io/pod-claim-name: expected a name")))
        << name;
  }
  claim.metadata.annotations.clear();
  EXPECT_THAT(describe({result("..", "gpu-0")}), Fails(Code::invalidArgument, HasSubstr("request: expected a name")));
  ref.name = "..";
  EXPECT_THAT(describe({result("gpu", "gpu-0")}), Fails(Code::invalidArgument, HasSubstr("the claim's name")));
}

TEST_F(MetadataTest, AFileIsAStreamOfAllVersionsNewestFirst) {
  auto record = describe({result("gpu", "gpu-3")});
  ASSERT_OK(record);
  ASSERT_THAT(record->metadata, SizeIs(1));
  fakes::expectGolden(record->metadata.front().content, "claim/device-metadata.json");
}

TEST_F(MetadataTest, AClaimByNameIsFoundUnderItsNameInTheContainer) {
  auto record = describe({result("gpu", "gpu-3")});
  ASSERT_OK(record);
  EXPECT_EQ(mountOf(*record, "u-1_gpu"),
            (cdi::Mount{.hostPath = kDirectory / "u-1_gpu.json",
                        .containerPath = "/var/run/kubernetes.io/dra-device-attributes/resourceclaims/train/gpu/"
                                         "gpu.example.com-metadata.json",
                        .options = {"ro", "bind"}}));
  EXPECT_EQ(record->metadata.front().name, "u-1_gpu.json");
  EXPECT_OK(cdi::validate(record->spec));
}

TEST_F(MetadataTest, AClaimOfATemplateIsFoundUnderItsNameInThePod) {
  claim.metadata.annotations["resource.kubernetes.io/pod-claim-name"] = "my-gpu";
  auto record = describe({result("gpu", "gpu-3")});
  ASSERT_OK(record);
  EXPECT_EQ(mountOf(*record, "u-1_gpu").containerPath,
            "/var/run/kubernetes.io/dra-device-attributes/resourceclaimtemplates/my-gpu/gpu/"
            "gpu.example.com-metadata.json");
  auto object =
      nlohmann::json::parse(record->metadata.front().content.substr(0, record->metadata.front().content.find("\n\n")));
  EXPECT_EQ(object["podClaimName"], "my-gpu");
}

TEST_F(MetadataTest, ASubrequestIsNamedInTheFileAndNotInThePath) {
  auto record = describe({result("gpu/big", "gpu-3")});
  ASSERT_OK(record);
  EXPECT_EQ(record->metadata.front().name, "u-1_gpu.json");
  EXPECT_THAT(record->metadata.front().content, HasSubstr("\"name\": \"gpu/big\""));
  EXPECT_THAT(mountOf(*record, "u-1_gpu").containerPath, HasSubstr("/train/gpu/"));
}

TEST_F(MetadataTest, OnlyTheFirstDeviceOfARequestBringsItsFileWhichNamesAll) {
  auto record = describe({result("a", "gpu-0"), result("b", "gpu-1"), result("a", "gpu-2")});
  ASSERT_OK(record);
  EXPECT_THAT(record->prepared.devices[0].cdiIds,
              ElementsAre("k8s.gpu.example.com/gpu=u-1-gpu-0", "k8s.gpu.example.com/gpu=u-1_a"));
  EXPECT_THAT(record->prepared.devices[1].cdiIds,
              ElementsAre("k8s.gpu.example.com/gpu=u-1-gpu-1", "k8s.gpu.example.com/gpu=u-1_b"));
  EXPECT_THAT(record->prepared.devices[2].cdiIds, ElementsAre("k8s.gpu.example.com/gpu=u-1-gpu-2"));
  ASSERT_THAT(record->metadata, SizeIs(2));
  EXPECT_THAT(record->metadata[0].content, testing::AllOf(HasSubstr("\"gpu-0\""), HasSubstr("\"gpu-2\"")));
  EXPECT_THAT(record->metadata[1].content, testing::Not(HasSubstr("\"gpu-0\"")));
}

TEST_F(MetadataTest, DevicesOfOtherDriversAreNotDescribed) {
  kube::AllocationResult foreign = result("gpu", "gpu-0");
  foreign.driver = "other.example.com";
  auto record = describe({foreign, result("gpu", "gpu-1")});
  ASSERT_OK(record);
  EXPECT_THAT(record->prepared.devices.front().cdiIds, SizeIs(2));
  EXPECT_THAT(record->metadata.front().content, testing::Not(HasSubstr("\"gpu-0\"")));
}

TEST_F(MetadataTest, TwoRequestsWithOneDeviceEachHaveTheirFile) {
  kube::AllocationResult watching = result("monitor", "gpu-0");
  watching.adminAccess = true;
  kube::AllocationResult using_ = result("gpu", "gpu-0");
  using_.adminAccess = true;
  auto record = describe({using_, watching});
  ASSERT_OK(record);
  EXPECT_THAT(record->spec.devices, SizeIs(3)) << "the device once, and two files";
  EXPECT_THAT(record->metadata, SizeIs(2));
}

TEST_F(MetadataTest, TheSpecStaysItsOwnCheckpoint) {
  auto record = describe({result("gpu", "gpu-3")});
  ASSERT_OK(record);
  auto spec = cdi::parse(cdi::render(record->spec));

  Record read = readRecord(kNaming, "u-1", spec);

  EXPECT_EQ(read.origin, Record::Origin::ours);
  EXPECT_EQ(read.prepared, record->prepared);
  EXPECT_EQ(read.held, record->held);
  EXPECT_EQ(read.spec, record->spec);
}

TEST(MetadataNames, OnlyAFileOfAClaimGivesAUid) {
  EXPECT_EQ(metadataFileName("u-1", "gpu"), "u-1_gpu.json");
  EXPECT_EQ(metadataClaimUidOf("u-1_gpu.json"), "u-1");
  for (const char* name : {"", "u-1.json", "_gpu.json", "u-1_gpu", ".u-1_gpu.json.x.tmp", "a b_gpu.json"}) {
    EXPECT_EQ(metadataClaimUidOf(name), "") << name;
  }
}

}  // namespace
}  // namespace simgpu::claim
