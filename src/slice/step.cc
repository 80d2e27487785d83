#include "simgpu/slice/step.h"

#include <algorithm>
#include <limits>

#include "simgpu/slice/plan.h"

namespace simgpu::slice {
namespace {

/// Whether the content is the same, whatever the generation.
bool sameContent(const kube::ResourceSlice& desired, const kube::ResourceSlice& actual) {
  return desired.pool.name == actual.pool.name && desired.pool.resourceSliceCount == actual.pool.resourceSliceCount &&
         desired.devices == actual.devices && desired.sharedCounters == actual.sharedCounters &&
         desired.metadata.ownerReferences == actual.metadata.ownerReferences;
}

/// Pairs each desired slice with the actual one of its index: the highest generation wins, then the better content.
std::vector<const kube::ResourceSlice*> match(const std::vector<kube::ResourceSlice>& desired,
                                              const std::vector<kube::ResourceSlice>& actual) {
  std::vector<const kube::ResourceSlice*> matches(desired.size());
  for (const kube::ResourceSlice& slice : actual) {
    std::optional<std::size_t> index = indexOf(slice);
    if (!index || *index >= desired.size() || slice.pool.name != desired[*index].pool.name) {
      continue;
    }
    const kube::ResourceSlice*& best = matches[*index];
    auto rank = [&](const kube::ResourceSlice& candidate) {
      return std::pair(candidate.pool.generation, sameContent(desired[*index], candidate));
    };
    if (best == nullptr || rank(*best) < rank(slice)) {
      best = &slice;
    }
  }
  return matches;
}

/// The generation at which the pool is going to be.
std::int64_t chooseGeneration(const std::vector<kube::ResourceSlice>& desired,
                              const std::vector<kube::ResourceSlice>& actual,
                              const std::vector<const kube::ResourceSlice*>& matches,
                              std::optional<std::int64_t> established) {
  std::int64_t highest = 0;
  for (const kube::ResourceSlice& slice : actual) {
    if (slice.pool.name == desired.front().pool.name) {
      highest = std::max(highest, slice.pool.generation);
    }
  }
  if (established && highest <= *established) {
    return *established;
  }
  // Somebody may have begun to publish the same already: this program before it was restarted, or another process of
  // it. Then everything of that generation is as we want it, and the rest can follow.
  bool adoptable = highest > 0;
  for (const kube::ResourceSlice& slice : actual) {
    if (slice.pool.name == desired.front().pool.name && slice.pool.generation == highest) {
      auto match = std::ranges::find(matches, &slice);
      adoptable = adoptable && match != matches.end() &&
                  sameContent(desired[static_cast<std::size_t>(match - matches.begin())], slice);
    }
  }
  bool exhausted = highest == std::numeric_limits<std::int64_t>::max();
  return adoptable || exhausted ? highest : highest + 1;
}

}  // namespace

Step step(const std::vector<kube::ResourceSlice>& desired, const std::vector<kube::ResourceSlice>& actual,
          std::optional<std::int64_t> established) {
  std::vector<const kube::ResourceSlice*> matches = match(desired, actual);
  Step result{.generation = chooseGeneration(desired, actual, matches, established)};
  for (std::size_t i = 0; i < desired.size(); ++i) {
    const kube::ResourceSlice* current = matches[i];
    if (current != nullptr && current->pool.generation == result.generation && sameContent(desired[i], *current)) {
      continue;
    }
    kube::ResourceSlice slice = desired[i];
    slice.pool.generation = result.generation;
    if (current == nullptr) {
      slice.metadata.generateName = generateName(i, slice);
      result.creations.push_back(std::move(slice));
    } else {
      auto owners = std::move(slice.metadata.ownerReferences);
      slice.metadata = current->metadata;
      slice.metadata.ownerReferences = std::move(owners);
      result.updates.push_back(std::move(slice));
    }
  }
  for (const kube::ResourceSlice& slice : actual) {
    if (std::ranges::find(matches, &slice) == matches.end()) {
      result.deletions.push_back(slice.metadata);
    }
  }
  return result;
}

}  // namespace simgpu::slice
