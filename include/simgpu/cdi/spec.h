#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/result.h"

namespace simgpu::cdi {

/// A file or directory of the node that a container sees (CDI `mounts`). Both paths are absolute.
struct Mount {
  std::string hostPath;
  std::string containerPath;
  std::vector<std::string> options;  ///< As mount(8) has them: `ro`, `bind`.

  bool operator==(const Mount&) const = default;
};

/// What a device or a whole spec changes in a container (CDI `containerEdits`). Only what this driver writes.
struct ContainerEdits {
  std::vector<std::string> env;  ///< `NAME=value`, applied in order.
  std::vector<Mount> mounts = {};

  bool empty() const { return env.empty() && mounts.empty(); }
  bool operator==(const ContainerEdits&) const = default;
};

/// One device of a spec: what a container gets that asks for `<kind>=<name>`.
struct Device {
  std::string name;
  ContainerEdits edits;

  bool operator==(const Device&) const = default;
};

/// A CDI specification file (Container Device Interface, https://github.com/cncf-tags/container-device-interface).
struct Spec {
  std::string kind;  ///< `vendor/class`
  std::map<std::string, std::string> annotations;
  std::vector<Device> devices;
  ContainerEdits edits;  ///< Applied once to every container that gets any device of this spec.

  bool operator==(const Spec&) const = default;
};

/// `vendor/class=name`, as the kubelet hands it to the runtime.
std::string qualifiedName(std::string_view kind, std::string_view device);

/// Whether the CDI library would accept this spec: vendor, class and device names in their syntax, device names unique,
/// at least one device, each with at least one edit, environment entries of the form `NAME=value`, mounts with absolute
/// paths; none with control characters. The message names the field.
Status validate(const Spec& spec);

/// The lowest cdiVersion that allows everything in `spec` (0.3.0; 0.5.0 for a device name that starts with a digit;
/// 0.6.0 for annotations).
std::string_view minimumVersion(const Spec& spec);

/// The spec as YAML, byte for byte the same for the same spec. Precondition: `validate(spec)`.
std::string render(const Spec& spec);

/// Reads YAML or JSON of any CDI version. Edits that `ContainerEdits` does not know are dropped: foreign specs are only
/// looked at, never rewritten. dataLoss with the place if it cannot be understood.
Result<Spec> parse(std::string_view text);

}  // namespace simgpu::cdi
