#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"

namespace simgpu::device {

/// A member of a Go struct, for the text of a type mismatch.
struct GoField {
  std::string_view structName;
  std::string_view path;
  std::string_view type;
};

/// JSON text for a message; invalid UTF-8 does not throw.
std::string dumpForMessage(const nlohmann::json& value);

/// Whether `parameters` are an object of this type. The messages are those of the Kubernetes decoder.
Status checkType(const nlohmann::json& parameters, std::string_view apiVersion, std::string_view kind);

/// Decodes members as Go's strict JSON decoder does, with its messages (code invalidArgument), and collects the unknown
/// ones of all levels. Members that are absent or null leave their target alone.
class GoDecoder {
 public:
  /// A member that is there and not null; else null.
  static const nlohmann::json* member(const nlohmann::json& object, const char* key);

  static Status decode(const nlohmann::json& object, const char* key, const GoField& field, std::string& into);
  static Status decode(const nlohmann::json& object, const char* key, const GoField& field, std::int64_t& into);
  static Status decode(const nlohmann::json& object, const char* key, const GoField& field, std::uint64_t& into);

  static Status expectObject(const nlohmann::json& value, const GoField& field);

  /// Notes what is not `known`; `prefix` is the path of the object, with a dot behind it.
  void noteUnknown(const nlohmann::json& object, std::string_view prefix,
                   std::initializer_list<std::string_view> known);

  /// An error that names all that was unknown.
  Status strict() const;

 private:
  std::string unknown_;
};

}  // namespace simgpu::device
