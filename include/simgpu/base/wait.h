#pragma once

#include <filesystem>
#include <memory>
#include <sys/types.h>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/result.h"

namespace simgpu::base {

/// Lets time pass.
void sleepUntil(Clock& clock, Clock::TimePoint time);

/// `Files::lock` on a file whose holder is expected to give it back soon: tries every `poll` until `patience` is over,
/// and answers what the last try said (failedPrecondition if somebody still holds it). Unlike a blocking lock it does
/// not hang on a holder that is stopped.
Result<std::unique_ptr<FileLock>> lockWithin(Files& files, Clock& clock, const std::filesystem::path& file, mode_t mode,
                                             Clock::Duration patience, Clock::Duration poll);

}  // namespace simgpu::base
