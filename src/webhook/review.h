#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "simgpu/base/result.h"

namespace simgpu::webhook {

/// What this webhook needs of an `admission.k8s.io/v1 AdmissionRequest`.
struct Review {
  std::string uid;
  std::string group;  ///< Of the resource, as are the next two.
  std::string version;
  std::string resource;
  std::string space;         ///< Namespace of the object, for the log.
  std::string name;          ///< Likewise; empty if the API server makes it up later.
  nlohmann::json object;     ///< Null if there is none.
  nlohmann::json oldObject;  ///< What an update replaces; null if there is none.
};

/// Why an object is denied.
struct Denial {
  std::string reason;  ///< A `metav1.StatusReason`.
  std::string message;
};

/// invalidArgument, in the words of the reference driver where it has any, for what is not an
/// `admission.k8s.io/v1 AdmissionReview` with a request.
Result<Review> parseReview(std::string_view body);

/// The answer that lets the object in, and the one that does not.
std::string allow(const Review& review);
std::string deny(const Review& review, const Denial& denial);

}  // namespace simgpu::webhook
