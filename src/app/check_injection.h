#pragma once

#include <string>

#include "app/flags.h"

namespace simgpu::app {

/// The subcommand; it has no flags.
Subcommand checkInjectionSubcommand();

/// Looks for what the CDI specs of this driver, or of the reference driver, put into the environment of a container:
/// one line for each device, for standard output. NotFound, saying what to set, if nothing was injected.
Result<std::string> checkInjection(const Environment& environment);

}  // namespace simgpu::app
