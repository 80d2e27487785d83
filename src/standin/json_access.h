#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

/// Reading JSON of unknown shape without exceptions: what is absent or of another type counts as empty.
namespace simgpu::standin {

/// The member of that name, or null.
const nlohmann::json& at(const nlohmann::json& object, std::string_view name);

std::string textAt(const nlohmann::json& object, std::string_view name);
std::int64_t numberAt(const nlohmann::json& object, std::string_view name, std::int64_t otherwise = 0);
bool flagAt(const nlohmann::json& object, std::string_view name);

/// The elements of a member that is an array, or the values of one that is an object.
std::vector<nlohmann::json*> eachOf(nlohmann::json* object, std::string_view name);

/// The member of that name, or nullptr; also for a null pointer.
nlohmann::json* find(nlohmann::json* object, std::string_view name);

}  // namespace simgpu::standin
