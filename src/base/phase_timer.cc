#include "simgpu/base/phase_timer.h"

#include <utility>

namespace simgpu::base {
namespace {

double milliseconds(Clock::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

PhaseTimer::PhaseTimer(const Clock& clock, Logger log, std::source_location where) {
  if (log.enabled(where)) {
    clock_ = &clock;
    log_ = std::move(log);
    began_ = last_ = clock.now();
  }
}

void PhaseTimer::ended(std::string_view phase) {
  if (clock_ != nullptr) {
    auto now = clock_->now();
    log_ = log_.with({{phase, milliseconds(now - last_)}});
    last_ = now;
  }
}

void PhaseTimer::write(std::string_view message, std::string_view uid, std::source_location where) const {
  if (clock_ != nullptr) {
    log_.info(message, {{"total", milliseconds(last_ - began_)}, {"uid", uid}}, where);
  }
}

}  // namespace simgpu::base
