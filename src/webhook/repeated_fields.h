#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace simgpu::webhook {

/// Fields that are there twice, as paths (`sharing.strategy`) in the order of the text.
using RepeatedFields = std::vector<std::string>;

/// The repeated fields within opaque parameters, by the index of their config. Parsed JSON does not show them: the last
/// one wins there, and others who read the same text may take the first. `specPath` is that of `ClaimConfigs`; `body`
/// is the text of the whole review.
std::map<std::size_t, RepeatedFields> repeatedFields(std::string_view body, std::string_view specPath);

}  // namespace simgpu::webhook
