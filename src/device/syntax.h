#pragma once

#include <cstddef>
#include <string_view>

/// Syntax of names and values in `resource.k8s.io/v1` objects, as the API server checks it.
namespace simgpu::device {

inline constexpr std::size_t kMaxLabelLength = 63;
inline constexpr std::size_t kMaxDriverNameLength = 63;
inline constexpr std::size_t kMaxNodeNameLength = 253;
inline constexpr std::size_t kMaxAttributeValueLength = 64;
inline constexpr std::size_t kMaxAttributesAndCapacities = 32;
inline constexpr std::size_t kMaxAttributeValues = 48;

/// Lower case letters, digits and `-`, at most 63, with a letter or digit at both ends (RFC 1123).
bool isDnsLabel(std::string_view text);

/// DNS labels joined by dots, at most 253 bytes in total; as in Kubernetes, a label alone may be as long as that.
bool isDnsSubdomain(std::string_view text);

/// A DNS subdomain of at most 63 bytes; the API server takes capital letters too.
bool isDriverName(std::string_view text);

/// A letter or `_`, then letters, digits and `_`.
bool isCIdentifier(std::string_view text);

/// The name of an attribute or capacity: a C identifier of at most 32 bytes, optionally after `domain/`.
bool isQualifiedName(std::string_view text);

/// The name of a label, taint or condition: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at
/// both ends, optionally after `domain/`.
bool isLabelName(std::string_view text);

/// Empty, or what a label name is without domain.
bool isLabelValue(std::string_view text);

/// The class of a CDI kind: letters, digits, `-` and `_`, a letter first and no sign last, at most 63.
bool isCdiClass(std::string_view text);

/// The syntax of semver.org 2.0.0, at most 64 bytes.
bool isSemanticVersion(std::string_view text);

}  // namespace simgpu::device
