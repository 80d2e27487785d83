#include "device/net_config.h"

#include <nlohmann/json.hpp>

#include "fakes/result_matchers.h"

namespace simgpu::device {
namespace {

using nlohmann::json;

/// A NetConfig with these further members.
json netConfig(const std::string& members) {
  return json::parse(R"({"apiVersion":"net.resource.example.com/v1alpha1","kind":"NetConfig")" +
                     (members.empty() ? "" : "," + members) + "}");
}

TEST(NetConfigDecoding, WhatCannotBeDecodedIsRefusedInTheWordsOfTheReference) {
  const std::vector<std::pair<json, std::string>> cases = {
      {netConfig(R"("foo":1)"), "strict decoding error: unknown field \"foo\""},
      {netConfig(R"("bwBurst":{"ingress":1,"Egress":1})"),
       "strict decoding error: unknown field \"bwBurst.Egress\", unknown field \"bwBurst.ingress\""},
      {json::parse(R"({"apiVersion":"gpu.resource.example.com/v1alpha1","kind":"GpuConfig"})"),
       "no kind \"GpuConfig\" is registered for version \"gpu.resource.example.com/v1alpha1\" in scheme "
       "\"pkg/runtime/scheme.go:111\""},
      {netConfig(R"("bwBurst":[])"),
       "json: cannot unmarshal array into Go struct field NetConfig.bwBurst of type v1alpha1.BandwidthBurstEntry"},
      {netConfig(R"("bwBurst":{"ingressBurst":"1M"})"),
       "json: cannot unmarshal string into Go struct field BandwidthBurstEntry.bwBurst.ingressBurst of type uint64"},
      {netConfig(R"("bwBurst":{"egressBurst":-1})"),
       "json: cannot unmarshal number -1 into Go struct field BandwidthBurstEntry.bwBurst.egressBurst of type uint64"},
      {netConfig(R"("bwBurst":{"egressBurst":1.5})"),
       "json: cannot unmarshal number 1.5 into Go struct field BandwidthBurstEntry.bwBurst.egressBurst of type uint64"},
  };
  for (const auto& [parameters, message] : cases) {
    EXPECT_THAT(decodeNetConfig(parameters),
                Fails(Code::invalidArgument, "error decoding config parameters: " + message))
        << parameters;
  }
}

TEST(NetConfigValidation, ABurstOfFourGigabytesIsTooMuch) {
  EXPECT_THAT(decodeNetConfig(netConfig(R"("bwBurst":{"ingressBurst":34359738360})")),
              Fails(Code::failedPrecondition,
                    "error validating Net config: invalid ingressBurst: burst cannot be more than 4GB"));
  EXPECT_THAT(decodeNetConfig(netConfig(R"("bwBurst":{"egressBurst":18446744073709551615})")),
              Fails(Code::failedPrecondition,
                    "error validating Net config: invalid egressBurst: burst cannot be more than 4GB"));
  EXPECT_THAT(decodeNetConfig(netConfig(R"("bwBurst":{"ingressBurst":34359738359})")),
              IsOkAndHolds(NetConfig{.ingressBurst = 34359738359}));
}

TEST(NetConfigDefaults, WhatIsMissingIsNoLimit) {
  for (const char* members : {"", R"("bwBurst":null)", R"("bwBurst":{})", R"("bwBurst":{"egressBurst":null})"}) {
    EXPECT_THAT(decodeNetConfig(netConfig(members)), IsOkAndHolds(NetConfig())) << members;
  }
}

}  // namespace
}  // namespace simgpu::device
