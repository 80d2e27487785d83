#include "device/template.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace simgpu::device {
namespace {

struct VariableName {
  std::string_view text;
  Variable variable;
};

constexpr std::array<VariableName, 16> kVariables = {{
    {"index", Variable::index},
    {"partition", Variable::partition},
    {"name", Variable::name},
    {"NAME", Variable::upperName},
    {"ID", Variable::upperId},
    {"uuid", Variable::uuid},
    {"node.name", Variable::nodeName},
    {"driver.name", Variable::driverName},
    {"claim.uid", Variable::claimUid},
    {"adminAccess", Variable::adminAccess},
    {"shareId", Variable::shareId},
    {"config.strategy", Variable::configStrategy},
    {"config.timeSliceInterval", Variable::configTimeSliceInterval},
    {"config.partitionCount", Variable::configPartitionCount},
    {"config.ingressBurst", Variable::configIngressBurst},
    {"config.egressBurst", Variable::configEgressBurst},
}};
constexpr std::string_view kConsumedPrefix = "consumed.";
constexpr std::string_view kConsumedUnitsPrefix = "consumedUnits.";
/// The one variable that may stand in another, as part of a capacity.
constexpr std::string_view kDriverName = "${driver.name}";

bool isAllowed(Variable variable, Place place) {
  switch (variable) {
    case Variable::driverName:
      return place != Place::envName;
    case Variable::nodeName:
      return place != Place::envName && place != Place::capacityName;
    case Variable::index:
      return place != Place::nodeValue && place != Place::capacityName;
    case Variable::partition:
      return place == Place::partName || place == Place::partAttribute;
    case Variable::uuid:
      return place != Place::nodeValue && place != Place::capacityName && place != Place::envName;
    case Variable::upperName:
    case Variable::upperId:
      return place != Place::nodeValue && place != Place::capacityName && place != Place::deviceName &&
             place != Place::partName && place != Place::wholeName;
    case Variable::name:
      return place != Place::nodeValue && place != Place::capacityName && place != Place::deviceName &&
             place != Place::envName;
    case Variable::claimUid:
    case Variable::adminAccess:
    case Variable::shareId:
    case Variable::consumed:
    case Variable::consumedUnits:
      return place == Place::envValue || place == Place::envValueOfGpuConfig || place == Place::envValueOfNetConfig;
    case Variable::configStrategy:
    case Variable::configTimeSliceInterval:
    case Variable::configPartitionCount:
      return place == Place::envValueOfGpuConfig;
    case Variable::configIngressBurst:
    case Variable::configEgressBurst:
      return place == Place::envValueOfNetConfig;
  }
  return false;
}

/// Whether an allocation may leave the variable without a value.
bool isOptional(Variable variable) {
  switch (variable) {
    case Variable::shareId:
    case Variable::consumed:
    case Variable::consumedUnits:
    case Variable::configStrategy:
    case Variable::configTimeSliceInterval:
    case Variable::configPartitionCount:
    case Variable::configIngressBurst:
    case Variable::configEgressBurst:
      return true;
    default:
      return false;
  }
}

std::string allowedNames(Place place) {
  std::string names;
  for (const VariableName& candidate : kVariables) {
    if (isAllowed(candidate.variable, place)) {
      fmt::format_to(std::back_inserter(names), "{}${{{}}}", names.empty() ? "" : ", ", candidate.text);
    }
  }
  return isAllowed(Variable::consumed, place) ? names + ", ${consumed.<capacity>}, ${consumedUnits.<capacity>}" : names;
}

/// Of what follows the prefix of `consumed` or `consumedUnits`; empty for other variables.
std::string_view capacityIn(std::string_view name) {
  for (std::string_view prefix : {kConsumedPrefix, kConsumedUnitsPrefix}) {
    if (name.starts_with(prefix)) {
      return name.substr(prefix.size());
    }
  }
  return {};
}

/// Where the variable at the beginning of `text` ends, which is `{…`.
std::size_t endOfVariable(std::string_view text) {
  auto end = text.find('}');
  auto inner = text.find(kDriverName);
  return end != std::string_view::npos && inner < end && !capacityIn(text.substr(1)).empty()
             ? text.find('}', inner + kDriverName.size())
             : end;
}

std::optional<Variable> variableOf(std::string_view name) {
  if (name.starts_with(kConsumedPrefix)) {
    return Variable::consumed;
  }
  if (name.starts_with(kConsumedUnitsPrefix)) {
    return Variable::consumedUnits;
  }
  const auto* found = std::ranges::find(kVariables, name, &VariableName::text);
  return found == kVariables.end() ? std::nullopt : std::optional(found->variable);
}

bool isAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// Appends `text` unless there is none.
bool appendIf(std::string& out, std::string_view text) {
  out += text;
  return !text.empty();
}

bool appendGpuConfig(Variable variable, const GpuConfig& config, std::string& out) {
  if (variable == Variable::configStrategy) {
    return appendIf(out, config.strategy);
  }
  if (variable == Variable::configTimeSliceInterval) {
    return appendIf(out, config.timeSliceInterval.value_or(""));
  }
  return appendIf(out, config.partitionCount ? std::to_string(*config.partitionCount) : "");
}

bool appendNetConfig(Variable variable, const NetConfig& config, std::string& out) {
  std::uint64_t burst = variable == Variable::configIngressBurst ? config.ingressBurst : config.egressBurst;
  return appendIf(out, burst > 0 ? std::to_string(burst) : "");
}

bool appendConfig(Variable variable, const Parameters* parameters, std::string& out) {
  if (const auto* gpu = parameters == nullptr ? nullptr : std::get_if<GpuConfig>(parameters)) {
    return appendGpuConfig(variable, *gpu, out);
  }
  if (const auto* net = parameters == nullptr ? nullptr : std::get_if<NetConfig>(parameters)) {
    return appendNetConfig(variable, *net, out);
  }
  return false;
}

/// The capacity that `name`, in which `${driver.name}` may stand, means on this node.
std::string resolved(std::string_view name, const NodeContext& node) {
  auto place = name.find(kDriverName);
  if (place == std::string_view::npos) {
    return std::string(name);
  }
  return fmt::format("{}{}{}", name.substr(0, place), node.driverName, name.substr(place + kDriverName.size()));
}

bool appendConsumed(Variable variable, const std::string& capacity, const Values& values, std::string& out) {
  if (values.allocation == nullptr) {
    return false;
  }
  const auto& consumed = values.allocation->consumedCapacity;
  auto found = consumed.find(resolved(capacity, *values.node));
  if (found == consumed.end()) {
    return false;
  }
  return appendIf(out,
                  variable == Variable::consumed ? found->second.toString() : std::to_string(found->second.value()));
}

bool appendAllocation(Variable variable, const Allocation* allocation, std::string& out) {
  if (allocation == nullptr) {
    return false;
  }
  if (variable == Variable::claimUid) {
    return appendIf(out, allocation->claimUid);
  }
  if (variable == Variable::shareId) {
    return appendIf(out, allocation->shareId);
  }
  return appendIf(out, allocation->adminAccess ? "true" : "false");
}

bool appendVariable(Variable variable, const std::string& capacity, const Values& values, std::string& out) {
  switch (variable) {
    case Variable::nodeName:
      return appendIf(out, values.node->nodeName);
    case Variable::driverName:
      return appendIf(out, values.node->driverName);
    case Variable::index:
      return appendIf(out, std::to_string(values.device->index));
    case Variable::partition:
      return appendIf(out, std::to_string(values.partition));
    case Variable::uuid:
      return appendIf(out, values.device->uuid);
    case Variable::name:
      return appendIf(out, values.device->name);
    case Variable::upperName:
      return appendIf(out, values.upperName);
    case Variable::upperId:
      return appendIf(out, values.upperId);
    case Variable::claimUid:
    case Variable::adminAccess:
    case Variable::shareId:
      return appendAllocation(variable, values.allocation, out);
    case Variable::configStrategy:
    case Variable::configTimeSliceInterval:
    case Variable::configPartitionCount:
    case Variable::configIngressBurst:
    case Variable::configEgressBurst:
      return appendConfig(variable, values.parameters, out);
    case Variable::consumed:
    case Variable::consumedUnits:
      return appendConsumed(variable, capacity, values, out);
  }
  return false;
}

}  // namespace

Values valuesOf(const NodeContext& node, const Device& device) {
  Values values{.node = &node, .device = &device, .upperName = {}, .upperId = {}};
  for (char c : device.name) {
    if (isAlphanumeric(c)) {
      values.upperName += upper(c);
    } else if (values.upperName.empty() || values.upperName.back() != '_') {
      values.upperName += '_';
    }
  }
  // find() + 1 is 0 for a name without a dash, which stays whole.
  for (char c : std::string_view(device.name).substr(device.name.find('-') + 1)) {
    values.upperId += c == '-' ? '_' : upper(c);
  }
  return values;
}

Result<Template> Template::compile(std::string_view text, Place place) {
  Template compiled;
  while (!text.empty()) {
    auto dollar = text.find('$');
    compiled.rest_ += text.substr(0, dollar);
    if (dollar == std::string_view::npos) {
      break;
    }
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      compiled.rest_ += '$';
      text.remove_prefix(1);
      continue;
    }
    auto end = endOfVariable(text);
    if (!text.starts_with('{') || end == std::string_view::npos) {
      return unexpected(Status::invalidArgument("expected ${{variable}}, or $$ for a dollar sign, found \"${}\"",
                                                text.substr(0, 40)));
    }
    std::string_view name = text.substr(1, end - 1);
    auto variable = variableOf(name);
    if (!variable || !isAllowed(*variable, place)) {
      return unexpected(Status::invalidArgument("expected one of {}, found \"${{{}}}\"", allowedNames(place), name));
    }
    compiled.pieces_.push_back({std::move(compiled.rest_), *variable, std::string(capacityIn(name))});
    compiled.rest_.clear();
    text.remove_prefix(end + 1);
  }
  return compiled;
}

bool Template::append(const Values& values, std::string& out) const {
  for (const Piece& piece : pieces_) {
    out += piece.text;
    if (!appendVariable(piece.variable, piece.capacity, values, out)) {
      return false;
    }
  }
  out += rest_;
  return true;
}

bool Template::canBeAbsent() const {
  return std::ranges::any_of(pieces_, [](const Piece& piece) { return isOptional(piece.variable); });
}

std::vector<std::string_view> Template::consumed() const {
  std::vector<std::string_view> capacities;
  for (const Piece& piece : pieces_) {
    if (piece.variable == Variable::consumed || piece.variable == Variable::consumedUnits) {
      capacities.emplace_back(piece.capacity);
    }
  }
  return capacities;
}

std::string_view Template::leadingText() const {
  return pieces_.empty() ? rest_ : pieces_.front().text;
}

}  // namespace simgpu::device
