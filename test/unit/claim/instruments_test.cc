#include "simgpu/claim/instruments.h"

#include <gmock/gmock.h>

namespace simgpu::claim {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(ClaimInstruments, TheReferenceDriversCountersAreThereFromTheStartAndItsHistogramsFromTheFirstClaim) {
  metrics::Registry registry;
  Instruments instruments(registry);

  std::string text = registry.text();
  for (const char* name : {"dra_example_driver_prepare_claims_total", "dra_example_driver_unprepare_claims_total"}) {
    EXPECT_THAT(text, AllOf(HasSubstr(std::string("# HELP ") + name + " [BETA] "),
                            HasSubstr(std::string("# TYPE ") + name + " counter\n"),
                            HasSubstr(std::string(name) + "{result=\"error\"} 0\n"),
                            HasSubstr(std::string(name) + "{result=\"success\"} 0\n")));
  }
  EXPECT_THAT(text, Not(HasSubstr("claim_duration_seconds")));
}

TEST(ClaimInstruments, DurationsHaveTheReferenceDriversBuckets) {
  metrics::Registry registry;
  Instruments instruments(registry);

  instruments.prepared(true, std::chrono::milliseconds(7));
  instruments.unprepared(false, std::chrono::seconds(11));

  std::string text = registry.text();
  EXPECT_THAT(text, HasSubstr("dra_example_driver_prepare_claims_total{result=\"success\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("dra_example_driver_unprepare_claims_total{result=\"error\"} 1\n"));
  const std::string prepare = "dra_example_driver_prepare_claim_duration_seconds_bucket{result=\"success\",le=";
  EXPECT_THAT(text, HasSubstr(prepare + "\"0.005\"} 0\n" + prepare + "\"0.01\"} 1\n" + prepare + "\"0.025\"} 1\n" +
                              prepare + "\"0.05\"} 1\n" + prepare + "\"0.1\"} 1\n" + prepare + "\"0.25\"} 1\n" +
                              prepare + "\"0.5\"} 1\n" + prepare + "\"1\"} 1\n" + prepare + "\"2.5\"} 1\n" + prepare +
                              "\"5\"} 1\n" + prepare + "\"10\"} 1\n" + prepare + "\"+Inf\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("dra_example_driver_unprepare_claim_duration_seconds_sum{result=\"error\"} 11\n"));
}

}  // namespace
}  // namespace simgpu::claim
