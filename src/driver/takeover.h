#pragma once

#include <filesystem>

#include "simgpu/base/files.h"
#include "simgpu/base/log.h"

namespace simgpu::driver {

/// Removes the checkpoint of the reference driver from its plugin directory, if there is one.
///
/// Its claims need it no more: their CDI specs count as prepared here. Left behind, it would make the reference driver,
/// if it comes back, believe that claims are prepared whose specs are gone; without it, it prepares them again. A file
/// of that name that is not its checkpoint stays.
void retireReferenceCheckpoint(base::Files& files, const std::filesystem::path& pluginDirectory,
                               const base::Logger& log);

}  // namespace simgpu::driver
