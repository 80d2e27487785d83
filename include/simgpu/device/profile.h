#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "simgpu/base/quantity.h"
#include "simgpu/base/result.h"
#include "simgpu/cdi/spec.h"
#include "simgpu/device/device.h"
#include "simgpu/device/parameters.h"

namespace simgpu::device {

/// What the devices of one node depend on beside their profile.
struct NodeContext {
  std::string nodeName;                           ///< Seed of the UUIDs, and the name of the pool.
  std::string driverName;                         ///< For example `gpu.example.com`.
  std::optional<std::size_t> numDevices;          ///< `--num-devices`: replaces the numbers of the profile that say so.
  std::optional<std::size_t> gpuPartitions = {};  ///< `--gpu-partitions`, likewise.
  std::optional<std::size_t> cpuNumaNodes = {};   ///< `--cpu-numa-nodes`, likewise.
  std::optional<std::size_t> cpusPerNumaNode = {};  ///< `--cpus-per-numa-node`, likewise.
  bool gpuAllowMultipleAllocations = false;         ///< Claims may share the devices of every kind that says so.
  bool bindingConditions = false;                   ///< Every device has the reference driver's binding conditions.
};

/// One allocated device of a claim, as far as its environment depends on it.
struct Allocation {
  std::string claimUid;
  std::string shareId;       ///< Empty unless the device is shared by several claims.
  bool adminAccess = false;  ///< True if any result of the claim has admin access.
  std::map<std::string, base::Quantity> consumedCapacity;
};

/// A device profile, applied to a node: which devices exist there, and what a container gets that is given one.
///
/// Immutable, and so safe to use from several threads. docs/profiles.md describes the file format.
class Profile {
 public:
  /// A node never has more devices than this, whatever profile and context ask for.
  static constexpr std::size_t kMaxDevices = 10'000;

  /// Reads a profile. invalidArgument if it is not one. `origin` (a file name, or `embedded:gpu`) is what errors start
  /// with:
  /// `<origin>:<line>: <field>: expected <what>, found <what>`.
  static Result<Profile> parse(std::string_view yaml, std::string_view origin);

  /// The profiles compiled into this program, by name, sorted.
  static std::vector<std::string_view> embeddedNames();

  /// notFound, naming those there are, for an unknown name.
  static Result<Profile> embedded(std::string_view name);

  const std::string& name() const;

  /// Upper part of the CDI kind `k8s.<driver>/<class>`; for the reference's profiles it equals the name.
  const std::string& cdiClass() const;

  /// The driver name if the user gives none, for example `gpu.example.com`.
  const std::string& defaultDriverName() const;

  /// The kinds of devices that it describes, in its order.
  std::vector<std::string> kinds() const;

  /// The devices of a node, in the order in which they are published: partitions of a device before the whole.
  /// invalidArgument, naming device and field, if the context or the result breaks a limit of `resource.k8s.io/v1`
  /// (names, lengths, counts), asks for what no kind of the profile has (partitions, sharing), or there were more than
  /// `kMaxDevices`.
  Result<std::vector<Device>> devices(const NodeContext& node) const;

  /// Environment that every container of a claim gets, whatever its devices. A value with control characters, which a
  /// context that `devices` accepts never leads to, is left out.
  cdi::ContainerEdits nodeEdits(const NodeContext& node) const;

  /// Decodes, normalises and validates the opaque parameters of a claim or class for devices of `kind`. The messages
  /// are the reference driver's:
  /// - invalidArgument, `error decoding config parameters: …`, if they are not of a type that the kind accepts.
  /// - failedPrecondition, `error validating GPU config: …`, for settings that do not exist.
  /// - notFound if the profile has no such kind.
  /// Parsed JSON does not show repeated keys, which the reference refuses: the last one counts.
  Result<Parameters> decodeParameters(std::string_view kind, const nlohmann::json& parameters) const;

  /// The parameters of a device that nobody configured.
  Result<Parameters> defaultParameters(std::string_view kind) const;

  /// What one device gives a container: at least one entry. failedPrecondition if `parameters` cannot be applied to the
  /// device (the reference's "unable to get … config for device gpu-3"), or a value would contain a control character;
  /// notFound if the profile has no such kind as the device's.
  Result<cdi::ContainerEdits> deviceEdits(const NodeContext& node, const Device& device, const Allocation& allocation,
                                          const Parameters& parameters) const;

 private:
  struct Data;
  explicit Profile(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

  std::shared_ptr<const Data> data_;
};

}  // namespace simgpu::device
