#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "device/template.h"
#include "simgpu/base/quantity.h"

namespace simgpu::device {

enum class AttributeType { integer, boolean, string, version };

/// The opaque parameters that a kind accepts.
enum class ParametersType { none, gpuConfig, netConfig };

/// A flag of the program that replaces a number of a profile.
using Setting = std::optional<std::size_t> NodeContext::*;

/// A number that a flag may replace.
struct Count {
  std::size_t standard = 0;
  Setting from = nullptr;

  std::size_t on(const NodeContext& node) const { return from == nullptr ? standard : (node.*from).value_or(standard); }
};

struct AttributeTemplate {
  AttributeType type = AttributeType::string;
  bool list = false;             ///< The attribute is a list of all values,
  std::vector<Template> values;  ///< else it is one of them: by the index of the device, over and over.
};

struct EnvTemplate {
  Template name;
  Template value;
};

/// What claims may ask for of a capacity; what is missing is the capacity itself.
struct PolicyData {
  struct Range {
    base::Quantity min;
    std::optional<base::Quantity> max;
    std::optional<base::Quantity> step;
  };

  std::optional<base::Quantity> standard;  ///< `default`
  std::vector<base::Quantity> validValues;
  std::optional<Range> validRange;
};

struct CapacityData {
  Template name;
  base::Quantity value;
  Setting from = nullptr;
  std::optional<PolicyData> policy;
};

struct NodeAllocatableData {
  std::string resource;
  std::optional<Template> capacity;
  std::optional<base::Quantity> multiplier;
};

/// A form in which a partitioned device is published.
struct FormData {
  Template name;
  std::map<std::string, AttributeTemplate> attributes;  ///< Beside those of the kind.
};

struct PartitionsData {
  Count count;  ///< 0: devices are not partitioned.
  Template counterSet;
  FormData part;
  FormData whole;
};

/// An entry of `devices`.
struct KindData {
  std::string kind;
  Template name;
  Count count;
  std::map<std::string, AttributeTemplate> attributes;
  std::map<std::string, CapacityData> capacity;  ///< By the name as it is written.
  bool allowMultipleAllocations = false;
  bool shareableByFlag = false;  ///< `--gpu-allow-multiple-allocations` makes the above true.
  std::optional<PartitionsData> partitions;
  std::vector<Taint> taints;
  std::vector<std::string> bindingConditions;
  std::vector<std::string> bindingFailureConditions;
  std::vector<NodeAllocatableData> nodeAllocatable;
  ParametersType parameters = ParametersType::none;
  std::vector<EnvTemplate> env;
};

/// A profile as its file says.
struct ProfileData {
  std::string name;
  std::string cdiClass;
  std::string driverName;
  std::vector<EnvTemplate> env;
  std::vector<KindData> devices;
};

/// See `Profile::parse`.
Result<ProfileData> parseProfile(std::string_view yaml, std::string_view origin);

}  // namespace simgpu::device
