#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simgpu/kube/types.h"

namespace simgpu::slice {

/// What has to be written so that the API server holds what we want. The order is: updates, creations, deletions, so
/// that the new generation is complete as early as possible; the scheduler ignores lower generations.
struct Step {
  std::int64_t generation = 1;               ///< Of every slice of the pool, afterwards.
  std::vector<kube::ResourceSlice> updates;  ///< With name and resourceVersion of what they replace.
  std::vector<kube::ResourceSlice> creations;
  std::vector<kube::ObjectMeta> deletions;

  bool empty() const { return updates.empty() && creations.empty() && deletions.empty(); }
};

/// Compares what should be with what is. Pure: the publisher's whole judgement.
///
/// `desired` is a plan with the owner filled in. `actual` is every slice of the driver on the node. `established` is
/// the generation under which this process has already begun to publish the same plan, if it has.
///
/// One change of the plan is one step of the generation, however many slices and attempts it takes; putting back what
/// somebody else removed or edited stays at the same generation, unless the pool has a higher one by now: then it is
/// one above that, or the same if all of that generation is as we want it. A slice that is as it should be is never
/// written.
Step step(const std::vector<kube::ResourceSlice>& desired, const std::vector<kube::ResourceSlice>& actual,
          std::optional<std::int64_t> established);

}  // namespace simgpu::slice
