#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "device/template.h"
#include "simgpu/base/quantity.h"

namespace simgpu::device {

enum class AttributeType { integer, boolean, string, version };

struct AttributeTemplate {
  AttributeType type = AttributeType::string;
  Template value;
};

struct EnvTemplate {
  Template name;
  Template value;
};

/// An entry of `devices`.
struct KindData {
  std::string kind;
  Template name;
  std::size_t count = 1;
  bool countFromNumDevices = false;
  std::map<std::string, AttributeTemplate> attributes;
  std::map<std::string, base::Quantity> capacity;
  bool allowMultipleAllocations = false;
  bool acceptsGpuConfig = false;
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
