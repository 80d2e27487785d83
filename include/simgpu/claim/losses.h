#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/claim/types.h"

namespace simgpu::claim {

/// The claims whose specs somebody deleted without unpreparing them. In memory alone: the store keeps it under its
/// lock, and decides what a loss is.
class Losses {
 public:
  void note(const ClaimRef& claim) { claims_[claim.uid] = claim; }

  /// That many were lost before this process started; which ones, nobody knows here.
  void noteEarlier(std::size_t count) { earlier_ = count; }

  /// The claim has a spec again.
  void found(std::string_view uid) { settle(uid); }

  /// The claim was unprepared, and must not come back. Whether it may have been a lost one.
  bool giveUp(std::string_view uid);

  /// Nothing is to be done about a claim; about those that were lost earlier; about any.
  void settle(std::string_view uid);
  void settleEarlier();
  void clear();

  /// Whether a claim that has no spec may have lost it.
  bool mayInclude(std::string_view uid) const;

  std::vector<ClaimRef> claims() const;
  bool anyEarlier() const { return earlier_ > 0; }
  std::size_t count() const { return claims_.size() + earlier_; }

 private:
  std::map<std::string, ClaimRef, std::less<>> claims_;  ///< By UID.
  std::size_t earlier_ = 0;
  std::set<std::string, std::less<>> givenUp_;  ///< While earlier ones are looked for.
};

}  // namespace simgpu::claim
