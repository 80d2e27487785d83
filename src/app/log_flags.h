#pragma once

#include <vector>

#include "app/flags.h"
#include "simgpu/base/log.h"

namespace simgpu::app {

/// Adds the flags of the log, which are those of the reference driver's programs. `log` must outlive `list`.
void addLogFlags(std::vector<Flag>& list, base::LogOptions& log);

}  // namespace simgpu::app
