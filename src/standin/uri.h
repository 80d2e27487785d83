#pragma once

#include <map>
#include <string>
#include <string_view>

namespace simgpu::standin {

std::string percentDecode(std::string_view text);

/// Everything but unreserved characters becomes `%XX`.
std::string percentEncode(std::string_view text);

/// `a=1&b=x%20y`; the last of equal keys wins, `+` is a space.
std::map<std::string, std::string> parseQuery(std::string_view query);

}  // namespace simgpu::standin
