#include <algorithm>
#include <set>

#include "standin/admission.h"
#include "standin/json_access.h"

/// Validation of claims and of names, as far as a driver or its users can run into it.
namespace simgpu::standin {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxRequests = 32;
constexpr std::size_t kMaxAlternatives = 8;
constexpr std::size_t kMaxConfig = 32;
constexpr std::size_t kMaxReservedFor = 256;
constexpr std::size_t kMaxParameters = 10 * 1024;

void exactRequest(const json& request, const std::string& where, std::vector<FieldError>& errors) {
  if (textAt(request, "deviceClassName").empty()) {
    errors.push_back(FieldError::required(where + ".deviceClassName"));
  }
  std::string mode = textAt(request, "allocationMode");
  if (mode != "ExactCount" && mode != "All") {
    errors.push_back(FieldError::notSupported(where + ".allocationMode", mode, {"All", "ExactCount"}));
  } else if (mode == "All" && numberAt(request, "count") != 0) {
    errors.push_back(FieldError::invalid(where + ".count", at(request, "count"),
                                         "must not be specified when allocationMode is 'All'"));
  } else if (mode == "ExactCount" && numberAt(request, "count") < 0) {
    errors.push_back(FieldError::invalid(where + ".count", at(request, "count"), "must be greater than zero"));
  }
}

void oneRequest(const json& request, const std::string& where, std::vector<FieldError>& errors) {
  bool exactly = at(request, "exactly").is_object();
  const json& alternatives = at(request, "firstAvailable");
  if (exactly == !alternatives.empty()) {
    constexpr std::string_view kRule = "exactly one of `exactly` or `firstAvailable` is required";
    errors.push_back(exactly ? FieldError::invalid(where, nullptr, kRule) : FieldError::required(where, kRule));
  } else if (exactly) {
    exactRequest(at(request, "exactly"), where + ".exactly", errors);
  }
  if (alternatives.size() > kMaxAlternatives) {
    errors.push_back(FieldError::tooMany(where + ".firstAvailable", alternatives.size(), kMaxAlternatives));
  }
  for (std::size_t i = 0; i < alternatives.size(); ++i) {
    std::string path = fmt::format("{}.firstAvailable[{}]", where, i);
    if (!isDnsLabel(textAt(alternatives.at(i), "name"))) {
      errors.push_back(FieldError::invalid(path + ".name", textAt(alternatives.at(i), "name"), "must be a DNS label"));
    }
    exactRequest(alternatives.at(i), path, errors);
  }
}

void configs(const json& devices, const std::string& where, std::vector<FieldError>& errors) {
  const json& configs = at(devices, "config");
  if (configs.size() > kMaxConfig) {
    errors.push_back(FieldError::tooMany(where, configs.size(), kMaxConfig));
  }
  for (std::size_t i = 0; i < configs.size(); ++i) {
    std::string path = fmt::format("{}[{}].opaque", where, i);
    const json& opaque = at(configs.at(i), "opaque");
    if (!opaque.is_object()) {
      errors.push_back(FieldError::required(path, "exactly one config type is required"));
      continue;
    }
    const json& parameters = at(opaque, "parameters");
    if (parameters.is_null()) {
      errors.push_back(FieldError::required(path + ".parameters"));
    } else if (!parameters.is_object()) {
      errors.push_back(FieldError::invalid(path + ".parameters", "<value omitted>", "must be a valid JSON object"));
    } else if (parameters.dump(-1, ' ', false, json::error_handler_t::replace).size() > kMaxParameters) {
      errors.push_back(FieldError::tooLong(path + ".parameters", kMaxParameters));
    }
  }
}

void claimSpec(const json& spec, const std::string& where, std::vector<FieldError>& errors) {
  const json& requests = at(at(spec, "devices"), "requests");
  std::string path = where + ".devices.requests";
  if (requests.size() > kMaxRequests) {
    errors.push_back(FieldError::tooMany(path, requests.size(), kMaxRequests));
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    std::string request = fmt::format("{}[{}]", path, i);
    std::string name = textAt(requests.at(i), "name");
    if (name.empty()) {
      errors.push_back(FieldError::required(request + ".name"));
    } else if (!isDnsLabel(name)) {
      errors.push_back(FieldError::invalid(request + ".name", name, "must be a DNS label"));
    } else if (!names.insert(name).second) {
      errors.push_back(FieldError::duplicate(request + ".name", name));
    }
    oneRequest(requests.at(i), request, errors);
  }
  configs(at(spec, "devices"), where + ".devices.config", errors);
}

/// `metav1.Condition`
void conditions(const json& list, const std::string& where, std::vector<FieldError>& errors) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string path = fmt::format("{}[{}]", where, i);
    std::string status = textAt(list.at(i), "status");
    if (status != "True" && status != "False" && status != "Unknown") {
      errors.push_back(FieldError::notSupported(path + ".status", status, {"False", "True", "Unknown"}));
    }
    for (const char* required : {"lastTransitionTime", "reason"}) {
      if (textAt(list.at(i), required).empty()) {
        errors.push_back(FieldError::required(fmt::format("{}.{}", path, required)));
      }
    }
  }
}

bool isLabelCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace

bool isDnsLabel(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, isLabelCharacter);
}

bool isDnsSubdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) {
    return false;
  }
  for (std::size_t start = 0; start <= text.size();) {
    auto end = std::min(text.find('.', start), text.size());
    std::string_view label = text.substr(start, end - start);
    if (label.empty() || label.front() == '-' || label.back() == '-' || !std::ranges::all_of(label, isLabelCharacter)) {
      return false;
    }
    start = end + 1;
  }
  return true;
}

std::vector<FieldError> validateClaim(const json& object, const json* old) {
  std::vector<FieldError> errors;
  claimSpec(at(object, "spec"), "spec", errors);
  if (old != nullptr && at(object, "spec") != at(*old, "spec")) {
    errors.push_back(FieldError::invalid("spec", "<value omitted>", "field is immutable"));
  }
  return errors;
}

std::vector<FieldError> validateClaimStatus(const json& object, const json& old) {
  std::vector<FieldError> errors;
  const json& status = at(object, "status");
  const json& allocation = at(status, "allocation");
  const json& before = at(at(old, "status"), "allocation");
  if (!allocation.is_null() && !before.is_null() && allocation != before) {
    errors.push_back(FieldError::invalid("status.allocation", "<value omitted>", "field is immutable"));
  }
  const json& reserved = at(status, "reservedFor");
  if (reserved.size() > kMaxReservedFor) {
    errors.push_back(FieldError::tooMany("status.reservedFor", reserved.size(), kMaxReservedFor));
  }
  if (!reserved.empty() && allocation.is_null()) {
    errors.push_back(FieldError::forbidden("status.reservedFor", "may not be specified when `allocated` is not set"));
  }
  const json& results = at(at(allocation, "devices"), "results");
  const json& devices = at(status, "devices");
  for (std::size_t i = 0; i < devices.size(); ++i) {
    auto same = [&](const json& result) {
      return std::ranges::all_of(std::array{"driver", "pool", "device", "shareID"},
                                 [&](const char* name) { return textAt(result, name) == textAt(devices.at(i), name); });
    };
    if (!std::ranges::any_of(results, same)) {
      errors.push_back(FieldError::invalid(fmt::format("status.devices[{}]", i), textAt(devices.at(i), "device"),
                                           "must be an allocated device in the claim"));
    }
    conditions(at(devices.at(i), "conditions"), fmt::format("status.devices[{}].conditions", i), errors);
  }
  return errors;
}

std::vector<FieldError> validateObject(const Resource& resource, const json& object, const json* old) {
  if (resource.plural == "resourceslices") {
    return validateSlice(object, old);
  }
  if (resource.plural == "resourceclaims") {
    return validateClaim(object, old);
  }
  std::vector<FieldError> errors;
  if (resource.plural == "resourceclaimtemplates") {
    claimSpec(at(at(object, "spec"), "spec"), "spec.spec", errors);
    if (old != nullptr && at(object, "spec") != at(*old, "spec")) {
      errors.push_back(FieldError::invalid("spec", "<value omitted>", "field is immutable"));
    }
  } else if (resource.plural == "deviceclasses") {
    configs(at(object, "spec"), "spec.config", errors);
  } else if (resource.plural == "events") {
    std::string space = textAt(at(object, "involvedObject"), "namespace");
    std::string expected = space.empty() ? "default" : space;
    if (textAt(at(object, "metadata"), "namespace") != expected) {
      errors.push_back(FieldError::invalid("involvedObject.namespace", space, "does not match event.namespace"));
    }
  }
  return errors;
}

}  // namespace simgpu::standin
