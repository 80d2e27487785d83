// Which configs of which objects are looked at.

#include "unit/webhook/webhook_fixture.h"

namespace simgpu::webhook {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(WebhookTest, AnotherResourceIsDenied) {
  EXPECT_EQ(
      verdict(ReviewBuilder().resource("unknownresources")),
      R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":false,"status":{"metadata":{},"message":"expected resource to be one of [{resource.k8s.io v1 resourceclaims} {resource.k8s.io v1beta1 resourceclaims} {resource.k8s.io v1beta2 resourceclaims} {resource.k8s.io v1 resourceclaimtemplates} {resource.k8s.io v1beta1 resourceclaimtemplates} {resource.k8s.io v1beta2 resourceclaimtemplates}], got {resource.k8s.io v1 unknownresources}","reason":"BadRequest"}}})");
  EXPECT_THAT(denial(ReviewBuilder().version("v1alpha3")),
              StartsWith("expected resource to be one of [{resource.k8s.io v1 resourceclaims}"));
  EXPECT_THAT(denial(R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}})"),
              HasSubstr("], got {  }"));
}

TEST_F(WebhookTest, EveryVersionOfClaimsAndTemplatesIsJudged) {
  for (const char* version : {"v1", "v1beta1", "v1beta2"}) {
    EXPECT_EQ(verdict(ReviewBuilder().version(version).config(timeSlicing("Long"))), kAllowed);
    EXPECT_EQ(verdict(ReviewBuilder().version(version).ofTemplate().config(timeSlicing("Long"))), kAllowed);
    EXPECT_EQ(denial(ReviewBuilder().version(version).config(timeSlicing("InvalidInterval"))),
              "1 configs failed to validate: object at spec.devices.config[0].opaque.parameters is invalid: unknown "
              "time-slice interval: InvalidInterval");
    EXPECT_EQ(denial(ReviewBuilder().version(version).ofTemplate().config(timeSlicing("InvalidInterval"))),
              "1 configs failed to validate: object at spec.spec.devices.config[0].opaque.parameters is invalid: "
              "unknown time-slice interval: InvalidInterval");
  }
}

TEST_F(WebhookTest, AllProblemsAreCountedAndToldInTheOrderOfTheConfigs) {
  nlohmann::json unknownField = gpuConfig();
  unknownField["foo"] = 1;

  EXPECT_EQ(denial(ReviewBuilder()
                       .config(timeSlicing("InvalidInterval"))
                       .config({{"anything", "goes"}}, "other.example.com")
                       .config(spacePartitioning(-1))
                       .config(unknownField)
                       .config(timeSlicing("Short"))),
            "3 configs failed to validate: object at spec.devices.config[0].opaque.parameters is invalid: unknown "
            "time-slice interval: InvalidInterval; object at spec.devices.config[2].opaque.parameters is invalid: "
            "invalid partition count: -1; error decoding object at spec.devices.config[3].opaque.parameters: strict "
            "decoding error: unknown field \"foo\"");
}

TEST_F(WebhookTest, ConfigsOfOtherDriversAreLetThroughUndecoded) {
  EXPECT_EQ(denial(ReviewBuilder()
                       .config("nonsense", "other.example.com")
                       .config(timeSlicing("Never"), "GPU.example.com")
                       .config(nullptr, "")),
            "");
}

TEST_F(WebhookTest, ObjectsWithoutConfigsAreLetIn) {
  EXPECT_EQ(verdict(ReviewBuilder()), kAllowed);
  EXPECT_EQ(verdict(ReviewBuilder().entry({{"requests", {"a"}}})), kAllowed);
  EXPECT_EQ(verdict(ReviewBuilder().entry({{"opaque", nullptr}})), kAllowed);
  EXPECT_EQ(verdict(ReviewBuilder().entry(nullptr)), kAllowed);
  EXPECT_EQ(verdict(ReviewBuilder().object({{"kind", "ResourceClaim"}})), kAllowed);
  EXPECT_EQ(verdict(ReviewBuilder().object({{"spec", nullptr}})), kAllowed);
  EXPECT_EQ(verdict(ReviewBuilder().object(nlohmann::json::object())), kAllowed);
}

TEST_F(WebhookTest, AReviewOfADeletionHasNoObjectAndIsLetIn) {
  EXPECT_EQ(verdict(ReviewBuilder().object(nullptr)), kAllowed);
}

TEST_F(WebhookTest, AnUpdateOfAClaimThatWasNeverValidIsLetInAsItCannotBeRepaired) {
  ReviewBuilder review;
  review.config(timeSlicing("Never"));
  nlohmann::json old = review.objectJson();
  old["metadata"]["finalizers"] = {"resource.kubernetes.io/delete-protection"};

  EXPECT_EQ(verdict(review.oldObject(old)), kAllowed);
}

TEST_F(WebhookTest, AnUpdateThatChangesTheSpecIsJudged) {
  ReviewBuilder review;
  review.config(timeSlicing("Never"));

  EXPECT_THAT(denial(review.oldObject(ReviewBuilder().objectJson())), HasSubstr("unknown time-slice interval: Never"));
}

struct Misshapen {
  nlohmann::json object;
  const char* message;
};

TEST_F(WebhookTest, AnObjectThatIsNoClaimIsABadRequestInTheWordsOfTheReference) {
  auto claim = [](nlohmann::json devices) { return nlohmann::json{{"spec", {{"devices", std::move(devices)}}}}; };
  auto config = [&](nlohmann::json entry) { return claim({{"config", nlohmann::json::array({std::move(entry)})}}); };
  const Misshapen samples[] = {
      {"x", "couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct"},
      {{{"spec", "x"}},
       "json: cannot unmarshal string into Go struct field ResourceClaim.spec of type v1.ResourceClaimSpec"},
      {claim("x"),
       "json: cannot unmarshal string into Go struct field ResourceClaimSpec.spec.devices of type "
       "v1.DeviceClaim"},
      {claim({{"config", "x"}}),
       "json: cannot unmarshal string into Go struct field DeviceClaim.spec.devices.config "
       "of type []v1.DeviceClaimConfiguration"},
      {config("x"),
       "json: cannot unmarshal string into Go struct field DeviceClaim.spec.devices.config of type "
       "v1.DeviceClaimConfiguration"},
      {config({{"opaque", "x"}}),
       "json: cannot unmarshal string into Go struct field "
       "DeviceClaimConfiguration.spec.devices.config.DeviceConfiguration.opaque of type v1.OpaqueDeviceConfiguration"},
      {config({{"opaque", {{"driver", 1}}}}),
       "json: cannot unmarshal number into Go struct field "
       "OpaqueDeviceConfiguration.spec.devices.config.DeviceConfiguration.opaque.driver of type string"},
  };
  for (const Misshapen& sample : samples) {
    auto response = nlohmann::json::parse(verdict(ReviewBuilder().object(sample.object)))["response"];
    EXPECT_EQ(response["allowed"], false);
    EXPECT_EQ(response["status"]["reason"], "BadRequest");
    EXPECT_EQ(response["status"]["message"], sample.message);
  }
}

}  // namespace
}  // namespace simgpu::webhook
