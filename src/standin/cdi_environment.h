#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "simgpu/base/files.h"
#include "simgpu/base/result.h"
#include "simgpu/cdi/spec.h"

namespace simgpu::standin {

/// What the CDI library changes in a container with these devices: for each device in order the edits of its spec, if
/// this is the first device of that spec, then those of the device. Reads the directories anew each time; a later one
/// wins. Fails in the library's words if a device is nowhere, or defined twice with the same priority.
Result<cdi::ContainerEdits> editsOf(base::Files& files, const std::vector<std::filesystem::path>& roots,
                                    const std::vector<std::string>& devices);

/// The environment of a container after these edits: a variable that is there already is replaced in its place.
Result<std::vector<std::string>> applyCdi(base::Files& files, const std::vector<std::filesystem::path>& roots,
                                          const std::vector<std::string>& devices,
                                          std::vector<std::string> environment);

/// Sets a variable `NAME=value`, in the place of an earlier one of that name.
void setVariable(std::vector<std::string>& environment, const std::string& entry);

}  // namespace simgpu::standin
