#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/result.h"
#include "simgpu/device/profile.h"

namespace simgpu::device {

/// What a template may refer to; docs/profiles.md lists the names.
enum class Variable : std::uint8_t {
  index,
  partition,
  name,
  upperName,  ///< `${NAME}`
  upperId,    ///< `${ID}`
  uuid,
  nodeName,
  driverName,
  claimUid,
  adminAccess,
  shareId,
  configStrategy,
  configTimeSliceInterval,
  configPartitionCount,
  configIngressBurst,
  configEgressBurst,
  consumed,       ///< `${consumed.<capacity>}`
  consumedUnits,  ///< `${consumedUnits.<capacity>}`
};

/// A place in a profile where a template stands, as far as it decides what the template may refer to.
enum class Place {
  nodeValue,  ///< Value of a variable that all containers of a claim get.
  deviceName,
  partName,   ///< Name of a partition,
  wholeName,  ///< and of the undivided device beside it.
  attribute,
  partAttribute,
  capacityName,
  envName,
  envValue,             ///< Value of a variable of a device without parameters,
  envValueOfGpuConfig,  ///< of one that accepts a GpuConfig,
  envValueOfNetConfig,  ///< or a NetConfig.
};

/// What the variables stand for. A pointer that the place does not need may be null.
struct Values {
  const NodeContext* node = nullptr;
  const Device* device = nullptr;
  std::string upperName;
  std::string upperId;
  std::size_t partition = 0;
  const Allocation* allocation = nullptr;
  const Parameters* parameters = nullptr;
};

/// The values of a device of which index, UUID and (unless that is still to come) name are known.
Values valuesOf(const NodeContext& node, const Device& device);

/// A text with `${…}` in it, taken apart once so that applying it is cheap.
class Template {
 public:
  /// invalidArgument of the form `expected …, found …`.
  static Result<Template> compile(std::string_view text, Place place);

  /// Appends the text to `out`. False, with `out` in an unspecified state, if a variable refers to something that is
  /// not there.
  bool append(const Values& values, std::string& out) const;

  /// Whether `append` can ever be false.
  bool canBeAbsent() const;

  /// The capacities that `${consumed.…}` names.
  std::vector<std::string_view> consumed() const;

  /// The fixed text in front of the first variable.
  std::string_view leadingText() const;

  bool operator==(const Template&) const = default;

 private:
  /// A variable behind some fixed text.
  struct Piece {
    std::string text;
    Variable variable;
    std::string capacity;

    bool operator==(const Piece&) const = default;
  };

  std::vector<Piece> pieces_;
  std::string rest_;
};

}  // namespace simgpu::device
