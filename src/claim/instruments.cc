#include "simgpu/claim/instruments.h"

namespace simgpu::claim {
namespace {

constexpr std::string_view kSuccess = "success";
constexpr std::string_view kError = "error";

/// The reference driver's, which are the defaults of Prometheus' client for Go.
std::vector<double> durationBounds() {
  return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

metrics::Family<metrics::Counter>& claims(metrics::Registry& registry, std::string_view name, std::string_view help) {
  auto& family = registry.counters(name, help, {"result"});
  family.with({kSuccess});  // both are served from the start, as by the reference driver
  family.with({kError});
  return family;
}

}  // namespace

Instruments::Instruments(metrics::Registry& registry)
    : preparedClaims(registry.gauge("dra_sim_gpu_prepared_claims", "Claims that are prepared on this node.")),
      specWrites(registry.counter("dra_sim_gpu_cdi_spec_writes_total", "CDI specs written, one for each claim.")),
      specRemovals(registry.counter("dra_sim_gpu_cdi_spec_removals_total", "CDI specs removed.")),
      abandonedClaims(
          registry.counter("dra_sim_gpu_abandoned_claims_total",
                           "Prepared claims that were released because they are gone, though nobody unprepared them.")),
      prepareClaims_(claims(registry, "dra_example_driver_prepare_claims_total",
                            "[BETA] Claims that the kubelet asked to prepare, by result.")),
      unprepareClaims_(claims(registry, "dra_example_driver_unprepare_claims_total",
                              "[BETA] Claims that the kubelet asked to unprepare, by result.")),
      prepareDuration_(
          registry.histograms("dra_example_driver_prepare_claim_duration_seconds",
                              "[BETA] Time from the kubelet's call until the claim was prepared, by result.",
                              {"result"}, durationBounds())),
      unprepareDuration_(
          registry.histograms("dra_example_driver_unprepare_claim_duration_seconds",
                              "[BETA] Time from the kubelet's call until the claim was unprepared, by result.",
                              {"result"}, durationBounds())) {}

void Instruments::count(Counters& claims, Durations& duration, bool success, base::Clock::Duration took) {
  std::string_view result = success ? kSuccess : kError;
  claims.with({result}).add();
  duration.with({result}).observe(took);
}

}  // namespace simgpu::claim
