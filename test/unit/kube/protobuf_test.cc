#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.h"
#include "fakes/golden.h"
#include "fakes/result_matchers.h"
#include "k8s/apimachinery/api.pb.h"
#include "k8s/resource/v1/api.pb.h"
#include "kube/protobuf_decode.h"
#include "simgpu/kube/client.h"
#include "simgpu/kube/json.h"
#include "unit/kube/fake_transport.h"

/// Claims as an API server encodes them: test/unit/kube/recorded/ is what Kubernetes 1.36.3 answered.
namespace simgpu::kube {
namespace {

namespace meta = k8s::io::apimachinery;
namespace resource = k8s::io::api::resource::v1;

using testing::HasSubstr;
using testing::StartsWith;

std::string recorded(const std::string& name) {
  return fakes::sourceFile("test/unit/kube/recorded/" + name);
}

std::string enveloped(const google::protobuf::Message& object, const std::string& kind,
                      const std::string& apiVersion = "resource.k8s.io/v1") {
  meta::Unknown envelope;
  envelope.mutable_typemeta()->set_kind(kind);
  envelope.mutable_typemeta()->set_apiversion(apiVersion);
  envelope.set_raw(object.SerializeAsString());
  return std::string("k8s\0", 4) + envelope.SerializeAsString();
}

class ProtobufTest : public testing::Test {
 protected:
  Result<ResourceClaim> getClaim(int status, std::string body) {
    transport.answers(status, std::move(body));
    return client.startGetClaim("default", "train", {}).get();
  }

  FakeTransport transport;
  fakes::FakeClock clock;
  Client client{transport, clock, {.qps = 0, .burst = 0}, {}};
};

TEST_F(ProtobufTest, AClaimIsAskedForInBothForms) {
  ASSERT_OK(getClaim(200, recorded("claim.protobuf")));

  EXPECT_EQ(transport.requests[0].accept, "application/vnd.kubernetes.protobuf, application/json");
}

TEST_F(ProtobufTest, AClaimSaysTheSameInBothForms) {
  auto protobuf = getClaim(200, recorded("claim.protobuf"));
  auto json = getClaim(200, recorded("claim.json"));

  ASSERT_OK(protobuf);
  ASSERT_OK(json);
  EXPECT_EQ(protobuf->metadata, json->metadata);
  ASSERT_TRUE(protobuf->allocation);
  EXPECT_EQ(protobuf->allocation->results, json->allocation->results);
  EXPECT_EQ(protobuf->allocation->config, json->allocation->config);
  EXPECT_EQ(protobuf->reservedFor, json->reservedFor);
  EXPECT_EQ(protobuf->devices, json->devices);
  EXPECT_EQ(*protobuf, *json);
  // Nothing of what is compared is missing in both.
  EXPECT_EQ(json->metadata.annotations.size(), 1);
  EXPECT_EQ(json->metadata.ownerReferences.size(), 1);
  ASSERT_TRUE(json->allocation);
  EXPECT_EQ(json->allocation->results.at(0).consumedCapacity.size(), 2);
  EXPECT_EQ(json->allocation->results.at(0).bindingConditions.size(), 1);
  EXPECT_EQ(json->allocation->results.at(0).bindingFailureConditions.size(), 1);
  EXPECT_FALSE(json->allocation->results.at(0).shareId.empty());
  EXPECT_EQ(json->allocation->config.at(1).parameters["a"].size(), 4);
  EXPECT_EQ(json->reservedFor.size(), 1);
  EXPECT_FALSE(json->devices.at(0).conditions.at(0).lastTransitionTime.empty());
  EXPECT_FALSE(json->devices.at(0).data.empty());
}

TEST_F(ProtobufTest, AClaimThatIsNotAllocatedHasNoAllocation) {
  resource::ResourceClaim claim;
  claim.mutable_metadata()->set_uid("u");

  auto decoded = getClaim(200, enveloped(claim, "ResourceClaim"));

  ASSERT_OK(decoded);
  EXPECT_FALSE(decoded->allocation);
}

TEST_F(ProtobufTest, AConfigurationThatIsNotOpaqueIsToldFromAnOpaqueOne) {
  resource::ResourceClaim claim;
  claim.mutable_metadata()->set_uid("u");
  auto& devices = *claim.mutable_status()->mutable_allocation()->mutable_devices();
  devices.add_config()->mutable_deviceconfiguration();
  devices.add_config()->mutable_deviceconfiguration()->mutable_opaque();

  auto decoded = getClaim(200, enveloped(claim, "ResourceClaim"));

  ASSERT_OK(decoded);
  EXPECT_FALSE(decoded->allocation->config.at(0).hasOpaque);
  EXPECT_TRUE(decoded->allocation->config.at(1).hasOpaque);
  EXPECT_TRUE(decoded->allocation->config.at(1).parameters.is_null());
}

TEST_F(ProtobufTest, AnAnswerThatIsCutAnywhereIsRefused) {
  const std::string whole = recorded("claim.protobuf");
  constexpr std::size_t kMagic = 4;
  // The last fields of the envelope are empty, so an answer without them is whole.
  constexpr std::size_t kEmptyFields = 4;
  for (std::size_t size = kMagic; size < whole.size() - kEmptyFields; ++size) {
    EXPECT_THAT(getClaim(200, whole.substr(0, size)),
                Fails(Code::dataLoss, StartsWith("read ResourceClaim default/train: ")))
        << size;
  }
}

TEST_F(ProtobufTest, AnotherObjectIsNoClaim) {
  EXPECT_THAT(getClaim(200, enveloped(resource::ResourceClaim(), "Pod", "v1")),
              Fails(Code::dataLoss,
                    "read ResourceClaim default/train: the API server's answer cannot be understood: "
                    "expected a ResourceClaim of resource.k8s.io/v1, found a Pod of v1"));
  EXPECT_THAT(getClaim(200, enveloped(resource::ResourceClaim(), "ResourceClaim", "resource.k8s.io/v1beta1")),
              Fails(Code::dataLoss, HasSubstr("v1beta1")));
}

TEST_F(ProtobufTest, WhatIsWrongInsideIsNamed) {
  resource::ResourceClaim claim;
  claim.mutable_metadata()->set_uid("u");
  auto& devices = *claim.mutable_status()->mutable_allocation()->mutable_devices();
  auto& capacity = *devices.add_results()->mutable_consumedcapacity();
  capacity["memory"].set_string("much");
  EXPECT_THAT(getClaim(200, enveloped(claim, "ResourceClaim")),
              Fails(Code::dataLoss, HasSubstr("consumedCapacity of memory: ")));

  capacity["memory"].set_string("1Gi");
  devices.add_config()->mutable_deviceconfiguration()->mutable_opaque()->mutable_parameters()->set_raw("{");
  EXPECT_THAT(getClaim(200, enveloped(claim, "ResourceClaim")),
              Fails(Code::dataLoss, HasSubstr("opaque.parameters: not valid JSON")));
}

TEST_F(ProtobufTest, ARefusalSaysTheSameAsInJson) {
  EXPECT_THAT(getClaim(404, recorded("not-found.protobuf")),
              Fails(Code::notFound,
                    "read ResourceClaim default/train: the API server answered 404 Not Found: "
                    "resourceclaims.resource.k8s.io \"trainx\" not found"));
}

TEST_F(ProtobufTest, ARefusalCanAskForAPause) {
  meta::Status status;
  status.set_message("too many requests");
  status.mutable_details()->set_retryafterseconds(7);

  auto refused = getClaim(429, enveloped(status, "Status", "v1"));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unavailable);
  EXPECT_EQ(refused.error().retryAfter(), std::chrono::seconds(7));
  EXPECT_THAT(refused.error().message(), HasSubstr("too many requests"));
}

}  // namespace
}  // namespace simgpu::kube
