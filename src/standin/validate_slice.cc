#include <algorithm>
#include <regex>
#include <set>

#include "standin/admission.h"
#include "standin/json_access.h"

/// `ValidateResourceSlice` of Kubernetes 1.36, as far as a driver can run into it.
namespace simgpu::standin {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxDevices = 128;
constexpr std::size_t kMaxDevicesWithFeatures = 64;
constexpr std::size_t kMaxAttributesAndCapacities = 32;
constexpr std::size_t kMaxValueLength = 64;
constexpr std::size_t kMaxTaints = 16;
constexpr std::size_t kMaxCounterSets = 8;
constexpr std::size_t kMaxCounters = 32;
constexpr std::size_t kMaxConsumed = 2;
constexpr std::size_t kMaxConditions = 4;
constexpr std::string_view kIdentifierRule =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
    "characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is "
    "'[A-Za-z_][A-Za-z0-9_]*')";
constexpr std::string_view kLabelRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kSubdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character";

bool isSemver(const std::string& text) {
  static const std::regex kPattern(
      R"((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?)");
  return std::regex_match(text, kPattern);
}

bool isIdentifier(std::string_view text) {
  auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
         std::ranges::all_of(text, allowed);
}

std::string lowered(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class SliceValidator {
 public:
  explicit SliceValidator(const json& object) : spec_(at(object, "spec")) {}

  std::vector<FieldError> run(const json* old) {
    driver();
    pool();
    nodeSelection();
    devices();
    counters();
    if (old != nullptr) {
      immutable(at(*old, "spec"));
    }
    return std::move(errors_);
  }

 private:
  void driver() {
    std::string name = textAt(spec_, "driver");
    if (name.empty()) {
      errors_.push_back(FieldError::required("spec.driver"));
    } else if (name.size() > 63) {
      errors_.push_back(FieldError::tooLong("spec.driver", 63));
    } else if (!isDnsSubdomain(lowered(name))) {
      errors_.push_back(FieldError::invalid("spec.driver", name, kSubdomainRule));
    }
  }

  void pool() {
    const json& pool = at(spec_, "pool");
    std::string name = textAt(pool, "name");
    if (name.empty()) {
      errors_.push_back(FieldError::required("spec.pool.name"));
    } else if (name.size() > 253) {
      errors_.push_back(FieldError::tooLong("spec.pool.name", 253));
    } else {
      for (std::size_t start = 0; start <= name.size();) {
        auto end = std::min(name.find('/', start), name.size());
        if (!isDnsSubdomain(std::string_view(name).substr(start, end - start))) {
          errors_.push_back(FieldError::invalid("spec.pool.name", name, kSubdomainRule));
          break;
        }
        start = end + 1;
      }
    }
    if (numberAt(pool, "generation") < 0) {
      errors_.push_back(
          FieldError::invalid("spec.pool.generation", at(pool, "generation"), "must be greater than or equal to zero"));
    }
    if (numberAt(pool, "resourceSliceCount") <= 0) {
      errors_.push_back(FieldError::invalid("spec.pool.resourceSliceCount", numberAt(pool, "resourceSliceCount"),
                                            "must be greater than zero"));
    }
  }

  void nodeSelection() {
    int set = 0;
    for (const char* name : {"nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"}) {
      const json& value = at(spec_, name);
      set += value.is_null() || value == "" || value == false ? 0 : 1;
    }
    constexpr std::string_view kRule =
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    if (set == 0) {
      errors_.push_back(FieldError::required("spec", kRule));
    } else if (set > 1) {
      errors_.push_back(FieldError::invalid("spec", "{}", kRule));
    }
    if (std::string node = textAt(spec_, "nodeName"); !node.empty() && !isDnsSubdomain(node)) {
      errors_.push_back(FieldError::invalid("spec.nodeName", node, kSubdomainRule));
    }
  }

  void devices() {
    const json& devices = at(spec_, "devices");
    if (!devices.is_array()) {
      return;
    }
    bool features = std::ranges::any_of(devices, [](const json& device) {
      auto hasList = [](const json& value) {
        return value.contains("ints") || value.contains("bools") || value.contains("strings") ||
               value.contains("versions");
      };
      return !at(device, "taints").empty() || !at(device, "consumesCounters").empty() ||
             std::ranges::any_of(at(device, "attributes"), hasList);
    });
    std::size_t limit = features ? kMaxDevicesWithFeatures : kMaxDevices;
    if (devices.size() > limit) {
      errors_.push_back(FieldError::tooMany("spec.devices", devices.size(), limit));
    }
    std::set<std::string> names;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      std::string where = fmt::format("spec.devices[{}]", i);
      std::string name = textAt(devices[i], "name");
      if (name.empty()) {
        errors_.push_back(FieldError::required(where + ".name"));
      } else if (!isDnsLabel(name)) {
        errors_.push_back(FieldError::invalid(where + ".name", name, kLabelRule));
      } else if (!names.insert(name).second) {
        errors_.push_back(FieldError::duplicate(where, name));
      }
      device(devices[i], where);
    }
  }

  void device(const json& device, const std::string& where) {
    const json& attributes = at(device, "attributes");
    const json& capacity = at(device, "capacity");
    if (attributes.size() + capacity.size() > kMaxAttributesAndCapacities) {
      errors_.push_back(
          FieldError::invalid(where, attributes.size() + capacity.size(),
                              fmt::format("the total number of attributes and capacities must not exceed {}",
                                          kMaxAttributesAndCapacities)));
    }
    if (attributes.is_object()) {
      for (const auto& [name, value] : attributes.items()) {
        std::string path = fmt::format("{}.attributes[{}]", where, name);
        qualifiedName(name, path);
        attribute(value, path);
      }
    }
    if (capacity.is_object()) {
      for (const auto& [name, value] : capacity.items()) {
        std::string path = fmt::format("{}.capacity[{}]", where, name);
        qualifiedName(name, path);
        if (!at(value, "requestPolicy").is_null() && !flagAt(device, "allowMultipleAllocations")) {
          errors_.push_back(FieldError::forbidden(path + ".requestPolicy", "allowMultipleAllocations must be true"));
        } else {
          validatePolicy(value, path, errors_);
        }
      }
    }
    limit(device, "taints", where, kMaxTaints);
    limit(device, "consumesCounters", where, kMaxConsumed);
    limit(device, "bindingConditions", where, kMaxConditions);
    limit(device, "bindingFailureConditions", where, kMaxConditions);
    conditions(device, where);
  }

  void conditions(const json& device, const std::string& where) {
    bool conditions = !at(device, "bindingConditions").empty();
    bool failures = !at(device, "bindingFailureConditions").empty();
    if (conditions && !failures) {
      errors_.push_back(FieldError::invalid(where + ".bindingFailureConditions", json::array(),
                                            "bindingFailureConditions are required to use bindingConditions"));
    } else if (failures && !conditions) {
      errors_.push_back(FieldError::invalid(where + ".bindingConditions", json::array(),
                                            "bindingConditions are required to use bindingFailureConditions"));
    }
  }

  void qualifiedName(const std::string& name, const std::string& where) {
    auto slash = name.find('/');
    std::string identifier = slash == std::string::npos ? name : name.substr(slash + 1);
    if (slash != std::string::npos && (slash > 63 || !isDnsSubdomain(lowered(name.substr(0, slash))))) {
      errors_.push_back(FieldError::invalid(where, name.substr(0, slash), kSubdomainRule));
    }
    if (identifier.empty()) {
      errors_.push_back(FieldError::required(where, "the name must not be empty"));
    } else if (identifier.size() > 32) {
      errors_.push_back(FieldError::tooLong(where, 32));
    } else if (!isIdentifier(identifier)) {
      errors_.push_back(FieldError::invalid(where, identifier, kIdentifierRule));
    }
  }

  void attribute(const json& value, const std::string& where) {
    int set = 0;
    for (const char* name : {"int", "bool", "string", "version"}) {
      set += at(value, name).is_null() ? 0 : 1;
    }
    if (set == 0) {
      errors_.push_back(FieldError::required(where, "exactly one value must be specified"));
      return;
    }
    if (set > 1) {
      errors_.push_back(FieldError::invalid(where, value, "exactly one value must be specified"));
      return;
    }
    for (const char* name : {"string", "version"}) {
      if (textAt(value, name).size() > kMaxValueLength) {
        errors_.push_back(FieldError::tooLong(where + "." + name, kMaxValueLength));
        return;
      }
    }
    if (!at(value, "version").is_null() && !isSemver(textAt(value, "version"))) {
      errors_.push_back(FieldError::invalid(where + ".version", at(value, "version"),
                                            "must be a string compatible with semver.org spec 2.0.0"));
    }
  }

  void counters() {
    const json& sets = at(spec_, "sharedCounters");
    if (!sets.is_array()) {
      return;
    }
    if (spec_.contains("devices") && !sets.empty()) {
      errors_.push_back(FieldError::invalid("spec", "{}", "only one of `sharedCounters` or `devices` is allowed"));
    }
    limit(spec_, "sharedCounters", "spec", kMaxCounterSets);
    std::set<std::string> names;
    for (std::size_t i = 0; i < sets.size(); ++i) {
      std::string where = fmt::format("spec.sharedCounters[{}]", i);
      std::string name = textAt(sets[i], "name");
      if (!isDnsLabel(name)) {
        errors_.push_back(FieldError::invalid(where + ".name", name, kLabelRule));
      } else if (!names.insert(name).second) {
        errors_.push_back(FieldError::duplicate(where + ".name", name));
      }
      limit(sets[i], "counters", where, kMaxCounters);
    }
  }

  void limit(const json& parent, const char* name, const std::string& where, std::size_t maximum) {
    if (at(parent, name).size() > maximum) {
      errors_.push_back(FieldError::tooMany(where + "." + name, at(parent, name).size(), maximum));
    }
  }

  void immutable(const json& old) {
    for (const char* name : {"driver", "nodeName"}) {
      if (at(spec_, name) != at(old, name)) {
        errors_.push_back(FieldError::invalid(fmt::format("spec.{}", name), at(spec_, name), "field is immutable"));
      }
    }
    if (textAt(at(spec_, "pool"), "name") != textAt(at(old, "pool"), "name")) {
      errors_.push_back(FieldError::invalid("spec.pool.name", at(at(spec_, "pool"), "name"), "field is immutable"));
    }
  }

  const json& spec_;
  std::vector<FieldError> errors_;
};

}  // namespace

std::vector<FieldError> validateSlice(const json& object, const json* old) {
  return SliceValidator(object).run(old);
}

}  // namespace simgpu::standin
