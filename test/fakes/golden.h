#pragma once

#include <string>
#include <string_view>

namespace simgpu::fakes {

/// The text of a file of this source tree; a failed expectation and nothing if it is not there.
std::string sourceFile(std::string_view path);

/// Expects `text` to equal the file `test/golden/<name>`. With SIMGPU_UPDATE_GOLDEN=1 in the environment the file is
/// written instead; look at the difference before you commit it.
void expectGolden(std::string_view text, std::string_view name);

}  // namespace simgpu::fakes
