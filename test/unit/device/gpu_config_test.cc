#include "device/gpu_config.h"

#include <nlohmann/json.hpp>

#include "fakes/result_matchers.h"

namespace simgpu::device {
namespace {

using nlohmann::json;

/// A GpuConfig with these further members.
json gpuConfig(const std::string& members) {
  return json::parse(R"({"apiVersion":"gpu.resource.example.com/v1alpha1","kind":"GpuConfig")" +
                     (members.empty() ? "" : "," + members) + "}");
}

struct Case {
  json parameters;
  std::string message;
};

TEST(GpuConfigDecoding, WhatCannotBeDecodedIsRefusedInTheWordsOfTheReference) {
  const std::vector<Case> cases = {
      {gpuConfig(R"("foo":1)"), "strict decoding error: unknown field \"foo\""},
      {gpuConfig(R"("sharing":{"strategy":"TimeSlicing","foo":1})"),
       "strict decoding error: unknown field \"sharing.foo\""},
      {gpuConfig(R"("Sharing":{},"a":1,"sharing":{"timeSlicingConfig":{"x":1},"spacePartitioningConfig":{"y":1}})"),
       "strict decoding error: unknown field \"Sharing\", unknown field \"a\", unknown field "
       "\"sharing.timeSlicingConfig.x\", unknown field \"sharing.spacePartitioningConfig.y\""},
      {json::parse(R"({"apiVersion":"gpu.resource.example.com/v1alpha1","kind":"Foo"})"),
       "no kind \"Foo\" is registered for version \"gpu.resource.example.com/v1alpha1\" in scheme "
       "\"pkg/runtime/scheme.go:111\""},
      {json::parse(R"({"apiVersion":"v1","kind":"GpuConfig"})"),
       "no kind \"GpuConfig\" is registered for version \"v1\" in scheme \"pkg/runtime/scheme.go:111\""},
      {json::parse(R"({"sharing": {}})"), R"(Object 'Kind' is missing in '{"sharing":{}}')"},
      {json::parse(R"({"kind":"","apiVersion":""})"), R"(Object 'Kind' is missing in '{"apiVersion":"","kind":""}')"},
      {json::parse(R"({"kind":"GpuConfig"})"), R"(Object 'apiVersion' is missing in '{"kind":"GpuConfig"}')"},
      {json::parse(R"({"kind":5})"),
       "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go "
       "struct field .kind of type string"},
      {json::array(), "couldn't get version/kind; expected a JSON object, found array"},
      {gpuConfig(R"("sharing":{"spacePartitioningConfig":{"partitionCount":"2"}})"),
       "json: cannot unmarshal string into Go struct field "
       "SpacePartitioningConfig.sharing.spacePartitioningConfig.partitionCount of type int"},
      {gpuConfig(R"("sharing":{"spacePartitioningConfig":{"partitionCount":2.0}})"),
       "json: cannot unmarshal number 2.0 into Go struct field "
       "SpacePartitioningConfig.sharing.spacePartitioningConfig.partitionCount of type int"},
      {gpuConfig(R"("sharing":{"spacePartitioningConfig":{"partitionCount":9223372036854775808}})"),
       "json: cannot unmarshal number 9223372036854775808 into Go struct field "
       "SpacePartitioningConfig.sharing.spacePartitioningConfig.partitionCount of type int"},
      {gpuConfig(R"("sharing":[])"),
       "json: cannot unmarshal array into Go struct field GpuConfig.sharing of type v1alpha1.GpuSharing"},
      {gpuConfig(R"("sharing":{"strategy":true})"),
       "json: cannot unmarshal bool into Go struct field GpuSharing.sharing.strategy of type "
       "v1alpha1.GpuSharingStrategy"},
      {gpuConfig(R"("sharing":{"timeSlicingConfig":{"interval":{}}})"),
       "json: cannot unmarshal object into Go struct field TimeSlicingConfig.sharing.timeSlicingConfig.interval of "
       "type "
       "v1alpha1.TimeSliceInterval"},
      {gpuConfig(R"("sharing":{"timeSlicingConfig":"x"})"),
       "json: cannot unmarshal string into Go struct field GpuSharing.sharing.timeSlicingConfig of type "
       "v1alpha1.TimeSlicingConfig"},
      {gpuConfig(R"("sharing":{"spacePartitioningConfig":1})"),
       "json: cannot unmarshal number into Go struct field GpuSharing.sharing.spacePartitioningConfig of type "
       "v1alpha1.SpacePartitioningConfig"},
  };
  for (const auto& [parameters, message] : cases) {
    EXPECT_THAT(decodeGpuConfig(parameters),
                Fails(Code::invalidArgument, "error decoding config parameters: " + message))
        << parameters;
  }
}

TEST(GpuConfigDecoding, TextThatIsNotUtf8DoesNotThrow) {
  EXPECT_THAT(decodeGpuConfig(json{{"a", "\xff"}}), Fails(Code::invalidArgument, testing::HasSubstr("is missing in")));
  EXPECT_THAT(decodeGpuConfig(json(nullptr)), Fails(Code::invalidArgument, testing::_));
}

TEST(GpuConfigValidation, SettingsThatDoNotExistAreRefusedInTheWordsOfTheReference) {
  const std::vector<Case> cases = {
      {gpuConfig(R"("sharing":{})"), "unknown GPU sharing strategy: "},
      {gpuConfig(R"("sharing":{"strategy":"X"})"), "unknown GPU sharing strategy: X"},
      {gpuConfig(R"("sharing":{"strategy":"timeSlicing"})"), "unknown GPU sharing strategy: timeSlicing"},
      {gpuConfig(R"("sharing":{"strategy":"TimeSlicing","timeSlicingConfig":{}})"), "unknown time-slice interval: "},
      {gpuConfig(R"("sharing":{"strategy":"TimeSlicing","timeSlicingConfig":{"interval":"InvalidInterval"}})"),
       "unknown time-slice interval: InvalidInterval"},
      {gpuConfig(R"("sharing":{"strategy":"SpacePartitioning","spacePartitioningConfig":{"partitionCount":-1}})"),
       "invalid partition count: -1"},
  };
  for (const auto& [parameters, message] : cases) {
    EXPECT_THAT(decodeGpuConfig(parameters), Fails(Code::failedPrecondition, "error validating GPU config: " + message))
        << parameters;
  }
}

TEST(GpuConfigDefaults, WhatIsMissingIsFilledIn) {
  GpuConfig timeSlicing{.timeSliceInterval = "Default", .partitionCount = {}};
  EXPECT_THAT(decodeGpuConfig(gpuConfig("")), IsOkAndHolds(timeSlicing));
  EXPECT_THAT(decodeGpuConfig(gpuConfig(R"("sharing":null)")), IsOkAndHolds(timeSlicing));
  EXPECT_THAT(decodeGpuConfig(gpuConfig(R"("sharing":{"strategy":"TimeSlicing"})")), IsOkAndHolds(timeSlicing));
  EXPECT_THAT(decodeGpuConfig(gpuConfig(R"("sharing":{"strategy":"TimeSlicing","timeSlicingConfig":null})")),
              IsOkAndHolds(timeSlicing));

  GpuConfig partitioned{.strategy = "SpacePartitioning", .timeSliceInterval = {}, .partitionCount = 1};
  EXPECT_THAT(decodeGpuConfig(gpuConfig(R"("sharing":{"strategy":"SpacePartitioning"})")), IsOkAndHolds(partitioned));
  partitioned.partitionCount = 0;
  EXPECT_THAT(decodeGpuConfig(gpuConfig(R"("sharing":{"strategy":"SpacePartitioning","spacePartitioningConfig":{}})")),
              IsOkAndHolds(partitioned));
}

TEST(GpuConfigDefaults, EveryIntervalIsKnown) {
  for (const char* interval : {"Default", "Short", "Medium", "Long"}) {
    json parameters = gpuConfig(R"("sharing":{"strategy":"TimeSlicing","timeSlicingConfig":{}})");
    parameters["sharing"]["timeSlicingConfig"]["interval"] = interval;
    auto config = decodeGpuConfig(parameters);
    ASSERT_OK(config);
    EXPECT_EQ(config->timeSliceInterval, interval);
    EXPECT_FALSE(config->bothSettings);
  }
}

}  // namespace
}  // namespace simgpu::device
