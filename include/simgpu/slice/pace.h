#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "simgpu/base/clock.h"

namespace simgpu::slice {

/// How soon slices are put back that somebody else changed: at once, unless that somebody does it again and again. Two
/// controllers that undo each other's work would otherwise keep the API server busy for ever.
class RestorePace {
 public:
  /// `slices`: how many there are; putting all of them back counts as one restoration, in however many steps it
  /// happens.
  explicit RestorePace(std::size_t slices) : atOnce_(kAtOnce * slices) {}

  /// When the next restoration may happen, given that one is due now.
  base::Clock::TimePoint earliest(base::Clock::TimePoint now);

  /// So many slices were written.
  void restored(base::Clock::TimePoint now, std::size_t slices) { recent_.insert(recent_.end(), slices, now); }

 private:
  static constexpr std::size_t kAtOnce = 10;  ///< Restorations within `kWindow` that do not wait.
  static constexpr std::chrono::minutes kWindow{5};
  static constexpr std::chrono::seconds kPause{30};  ///< Between those beyond.

  std::size_t atOnce_;
  std::deque<base::Clock::TimePoint> recent_;  ///< One for each slice written within `kWindow`.
  bool slowed_ = false;                        ///< Until nothing was to be restored for `kWindow`.
};

}  // namespace simgpu::slice
