#include "simgpu/claim/losses.h"

namespace simgpu::claim {

bool Losses::giveUp(std::string_view uid) {
  bool mayBeLost = mayInclude(uid);
  settle(uid);
  if (earlier_ > 0) {
    givenUp_.emplace(uid);
  }
  return mayBeLost;
}

void Losses::settle(std::string_view uid) {
  if (auto found = claims_.find(uid); found != claims_.end()) {
    claims_.erase(found);
  }
}

void Losses::settleEarlier() {
  earlier_ = 0;
  givenUp_.clear();
}

void Losses::clear() {
  claims_.clear();
  settleEarlier();
}

bool Losses::mayInclude(std::string_view uid) const {
  return claims_.contains(uid) || (earlier_ > 0 && !givenUp_.contains(uid));
}

std::vector<ClaimRef> Losses::claims() const {
  std::vector<ClaimRef> all;
  all.reserve(claims_.size());
  for (const auto& [uid, claim] : claims_) {
    all.push_back(claim);
  }
  return all;
}

}  // namespace simgpu::claim
