// The verdicts on opaque parameters.

#include "unit/webhook/webhook_fixture.h"

namespace simgpu::webhook {
namespace {

using testing::HasSubstr;

constexpr const char* kGoodFields = R"("apiVersion":"gpu.resource.example.com/v1alpha1","kind":"GpuConfig")";

TEST_F(WebhookTest, ParametersThatCannotBeDecodedAreDeniedInTheWordsOfTheReference) {
  nlohmann::json unknownField = gpuConfig();
  unknownField["foo"] = 1;
  nlohmann::json wrongKind = gpuConfig();
  wrongKind["kind"] = "Foo";
  nlohmann::json wrongVersion = gpuConfig();
  wrongVersion["apiVersion"] = "gpu.resource.example.com/v2";
  const std::pair<nlohmann::json, const char*> samples[] = {
      {nullptr, "couldn't get version/kind; json parse error: unexpected end of JSON input"},
      {nlohmann::json::object(), "Object 'Kind' is missing in '{}'"},
      {{{"sharing", nlohmann::json::object()}}, R"(Object 'Kind' is missing in '{"sharing":{}}')"},
      {wrongKind,
       R"(no kind "Foo" is registered for version "gpu.resource.example.com/v1alpha1" in scheme "pkg/runtime/scheme.go:111")"},
      {wrongVersion,
       R"(no kind "GpuConfig" is registered for version "gpu.resource.example.com/v2" in scheme "pkg/runtime/scheme.go:111")"},
      {unknownField, R"(strict decoding error: unknown field "foo")"},
      {gpuConfig({{"foo", 1}, {"strategy", "TimeSlicing"}}), R"(strict decoding error: unknown field "sharing.foo")"},
      {gpuConfig("x"),
       "json: cannot unmarshal string into Go struct field GpuConfig.sharing of type v1alpha1.GpuSharing"},
      {spacePartitioning("10"),
       "json: cannot unmarshal string into Go struct field "
       "SpacePartitioningConfig.sharing.spacePartitioningConfig.partitionCount of type int"},
      {spacePartitioning(2.0),
       "json: cannot unmarshal number 2.0 into Go struct field "
       "SpacePartitioningConfig.sharing.spacePartitioningConfig.partitionCount of type int"},
  };
  for (const auto& [parameters, message] : samples) {
    EXPECT_EQ(denial(ReviewBuilder().config(parameters)),
              std::string("1 configs failed to validate: error decoding object at "
                          "spec.devices.config[0].opaque.parameters: ") +
                  message);
  }
  EXPECT_THAT(problem("x"), HasSubstr("couldn't get version/kind"));
}

TEST_F(WebhookTest, SettingsThatDoNotExistAreDeniedInTheWordsOfTheReference) {
  const std::pair<nlohmann::json, const char*> samples[] = {
      {gpuConfig(nlohmann::json::object()), "unknown GPU sharing strategy: "},
      {gpuConfig({{"strategy", "X"}}), "unknown GPU sharing strategy: X"},
      {timeSlicing("InvalidInterval"), "unknown time-slice interval: InvalidInterval"},
      {gpuConfig({{"strategy", "TimeSlicing"}, {"timeSlicingConfig", nlohmann::json::object()}}),
       "unknown time-slice interval: "},
      {spacePartitioning(-1), "invalid partition count: -1"},
  };
  for (const auto& [parameters, message] : samples) {
    EXPECT_EQ(denial(ReviewBuilder().config(parameters)),
              std::string("1 configs failed to validate: object at spec.devices.config[0].opaque.parameters is "
                          "invalid: ") +
                  message);
  }
}

TEST_F(WebhookTest, SettingsOfBothStrategiesAreDeniedAsPrepareWould) {
  nlohmann::json interval = {{"interval", "Long"}};
  nlohmann::json count = {{"partitionCount", 2}};

  EXPECT_EQ(problem(gpuConfig(
                {{"strategy", "TimeSlicing"}, {"timeSlicingConfig", interval}, {"spacePartitioningConfig", count}})),
            "cannot use SpacePartitioningConfig with the 'TimeSlicing' strategy");
  EXPECT_EQ(
      problem(gpuConfig(
          {{"strategy", "SpacePartitioning"}, {"timeSlicingConfig", interval}, {"spacePartitioningConfig", count}})),
      "cannot use TimeSlicingConfig with the 'SpacePartitioning' strategy");
}

TEST_F(WebhookTest, ParametersThatPrepareAcceptsAreLetIn) {
  for (const char* interval : {"Default", "Short", "Medium", "Long"}) {
    EXPECT_EQ(problem(timeSlicing(interval)), "");
  }
  EXPECT_EQ(problem(spacePartitioning(10)), "");
  EXPECT_EQ(problem(spacePartitioning(0)), "");
  EXPECT_EQ(
      problem(gpuConfig({{"strategy", "SpacePartitioning"}, {"spacePartitioningConfig", nlohmann::json::object()}})),
      "");
}

TEST_F(WebhookTest, WhatIsMissingHasItsDefaultWhereTheReferenceDeniesOrCrashes) {
  EXPECT_EQ(problem(gpuConfig()), "");
  nlohmann::json nullSharing = gpuConfig();
  nullSharing["sharing"] = nullptr;
  EXPECT_EQ(problem(nullSharing), "");
  EXPECT_EQ(problem(gpuConfig({{"strategy", "TimeSlicing"}})), "");
  EXPECT_EQ(problem(gpuConfig({{"strategy", "SpacePartitioning"}})), "");
  EXPECT_EQ(problem(gpuConfig({{"strategy", "TimeSlicing"}, {"timeSlicingConfig", nullptr}})), "");
}

struct Repeated {
  const char* fields;   ///< After type and version of the parameters.
  const char* message;  ///< After the path.
};

/// Each checked with the reference driver; it names unknown and repeated fields in the order of the text.
constexpr Repeated kRepeated[] = {
    {R"("sharing":{"strategy":"TimeSlicing","strategy":"TimeSlicing","timeSlicingConfig":{"interval":"Default"}})",
     R"(strict decoding error: duplicate field "sharing.strategy")"},
    {R"("sharing":{"strategy":"X","strategy":"X","strategy":"X"})",
     R"(strict decoding error: duplicate field "sharing.strategy")"},
    {R"("kind":"GpuConfig")", R"(strict decoding error: duplicate field "kind")"},
    {R"("sharing":{"strategy":"TimeSlicing"},"sharing":{"strategy":"X"})",
     R"(strict decoding error: duplicate field "sharing")"},
    {R"("foo":1,"foo":{"x":1,"x":2})", R"(strict decoding error: unknown field "foo")"},
    {R"("kind":"GpuConfig","foo":1)", R"(strict decoding error: duplicate field "kind", unknown field "foo")"},
    {R"("sharing":{"strategy":"X","strategy":1})",
     "json: cannot unmarshal number into Go struct field GpuSharing.sharing.strategy of type "
     "v1alpha1.GpuSharingStrategy"},
};

TEST_F(WebhookTest, RepeatedFieldsAreDenied) {
  constexpr std::string_view kHole = "\"(parameters)\"";
  for (const Repeated& sample : kRepeated) {
    std::string review = ReviewBuilder().config({{"a", 1}}, "other.example.com").config("(parameters)").build();
    review.replace(review.find(kHole), kHole.size(), fmt::format("{{{},{}}}", kGoodFields, sample.fields));

    EXPECT_EQ(denial(review), std::string("1 configs failed to validate: error decoding object at "
                                          "spec.devices.config[1].opaque.parameters: ") +
                                  sample.message);
  }
}

TEST_F(WebhookTest, RepeatedFieldsOfATemplateAreDenied) {
  constexpr std::string_view kHole = "\"(parameters)\"";
  std::string review = ReviewBuilder().ofTemplate().config("(parameters)").build();
  review.replace(review.find(kHole), kHole.size(), fmt::format("{{{},\"kind\":\"GpuConfig\"}}", kGoodFields));

  EXPECT_THAT(denial(review), HasSubstr("spec.spec.devices.config[0].opaque.parameters: strict decoding error: "
                                        "duplicate field \"kind\""));
}

TEST_F(WebhookTest, RepeatedFieldsOfOtherDriversAndElsewhereAreNoneOfItsBusiness) {
  constexpr std::string_view kHole = "\"(parameters)\"";
  std::string review = ReviewBuilder().config("(parameters)", "other.example.com").build();
  review.replace(review.find(kHole), kHole.size(), R"({"a":1,"a":2})");
  EXPECT_EQ(denial(review), "");

  review = ReviewBuilder().config(timeSlicing("Long")).build();
  review.insert(review.find("\"metadata\""), R"("metadata":{"labels":{"a":"1","a":"2"}},)");
  EXPECT_EQ(denial(review), "");
}

/// The answer of a webhook for a profile and its driver to a claim with these parameters.
std::string judge(const device::Profile& profile, const nlohmann::json& parameters) {
  auto handler = makeHandler(profile, profile.defaultDriverName(), base::Logger());
  return handler({.method = "POST",
                  .path = std::string(kReviewPath),
                  .query = "",
                  .headers = {{"content-type", "application/json"}},
                  .body = ReviewBuilder().config(parameters, profile.defaultDriverName()).build()})
      .body;
}

TEST(WebhookProfileTest, NetworkCardsHaveParametersOfTheirOwn) {
  auto net = device::Profile::embedded("net");
  ASSERT_OK(net);
  auto burst = [](std::uint64_t bits) {
    return nlohmann::json{{"apiVersion", "net.resource.example.com/v1alpha1"},
                          {"kind", "NetConfig"},
                          {"bwBurst", {{"ingressBurst", bits}}}};
  };

  EXPECT_EQ(judge(*net, burst(34'359'738'359)), kAllowed);
  EXPECT_THAT(judge(*net, burst(34'359'738'360)),
              HasSubstr("is invalid: invalid ingressBurst: burst cannot be more than 4GB"));
  EXPECT_THAT(judge(*net, gpuConfig()), HasSubstr("no kind \\\"GpuConfig\\\" is registered"));
}

TEST(WebhookProfileTest, CpusHaveNoParameters) {
  auto cpu = device::Profile::embedded("cpu");
  ASSERT_OK(cpu);

  EXPECT_THAT(judge(*cpu, gpuConfig()), HasSubstr("error decoding object at spec.devices.config[0].opaque.parameters"));
}

TEST(WebhookProfileTest, TheKindOfDeviceThatFitsBestJudges) {
  auto profile = device::Profile::parse(R"(
apiVersion: simgpu/v1alpha1
kind: DeviceProfile
name: mixed
class: gpu
driverName: mixed.example.com
env:
  - {name: A, value: b}
devices:
  - {kind: bridge, name: "bridge-${index}", count: 1, env: [{name: X, value: y}]}
  - {kind: gpu, name: "gpu-${index}", count: 1, parameters: GpuConfig, env: [{name: X, value: y}]}
)",
                                        "test");
  ASSERT_OK(profile);

  EXPECT_EQ(judge(*profile, timeSlicing("Long")), kAllowed);
  EXPECT_THAT(judge(*profile, timeSlicing("Never")), HasSubstr("is invalid: unknown time-slice interval: Never"));
}

TEST(WebhookProfileTest, EveryBuiltInProfileHasAWebhook) {
  for (std::string_view name : device::Profile::embeddedNames()) {
    EXPECT_THAT(judge(*device::Profile::embedded(name), {{"kind", "Foo"}}),
                HasSubstr("1 configs failed to validate: error decoding object at "))
        << name;
  }
}

}  // namespace
}  // namespace simgpu::webhook
