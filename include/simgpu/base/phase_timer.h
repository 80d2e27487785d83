#pragma once

#include <source_location>
#include <string_view>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"

namespace simgpu::base {

/// Where the time of one piece of work goes, as one log line with a field for each phase (`read=1.204 commit=0.117`, in
/// milliseconds). Looks at no clock and builds nothing unless the line would be written.
class PhaseTimer {
 public:
  /// Measures nothing.
  PhaseTimer() = default;

  /// The first phase begins now. `log` has the verbosity of the line.
  PhaseTimer(const Clock& clock, Logger log, std::source_location where = std::source_location::current());

  /// Ends the phase of this name and begins the next one.
  void ended(std::string_view phase);

  /// Writes the line, with `total`.
  void write(std::string_view message, std::string_view uid,
             std::source_location where = std::source_location::current()) const;

 private:
  const Clock* clock_ = nullptr;  ///< Null if nothing is measured.
  Logger log_;
  Clock::TimePoint began_;
  Clock::TimePoint last_;
};

}  // namespace simgpu::base
