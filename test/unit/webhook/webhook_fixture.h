#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "fakes/fake_clock.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "simgpu/webhook/webhook.h"

namespace simgpu::webhook {

/// A review of one object, field by field.
class ReviewBuilder {
 public:
  ReviewBuilder& version(std::string value) {
    version_ = std::move(value);
    return *this;
  }
  ReviewBuilder& resource(std::string value) {
    resource_ = std::move(value);
    return *this;
  }
  ReviewBuilder& ofTemplate() { return resource("resourceclaimtemplates"); }

  /// Adds a config with opaque parameters.
  ReviewBuilder& config(nlohmann::json parameters, const std::string& driver = "gpu.example.com") {
    return entry({{"opaque", {{"driver", driver}, {"parameters", std::move(parameters)}}}});
  }
  ReviewBuilder& entry(nlohmann::json value) {
    configs_.push_back(std::move(value));
    return *this;
  }

  /// Replaces what the above would lead to.
  ReviewBuilder& object(nlohmann::json value) {
    object_ = std::move(value);
    return *this;
  }
  ReviewBuilder& oldObject(nlohmann::json value) {
    oldObject_ = std::move(value);
    return *this;
  }

  nlohmann::json objectJson() const {
    if (object_) {
      return *object_;
    }
    nlohmann::json request = {{"name", "a"}};
    if (version_ == "v1beta1") {
      request["deviceClassName"] = "gpu.example.com";
    } else {
      request["exactly"] = {{"deviceClassName", "gpu.example.com"}};
    }
    nlohmann::json spec = {{"devices", {{"requests", {request}}, {"config", configs_}}}};
    bool isTemplate = resource_ == "resourceclaimtemplates";
    return {{"apiVersion", "resource.k8s.io/" + version_},
            {"kind", isTemplate ? "ResourceClaimTemplate" : "ResourceClaim"},
            {"metadata", {{"name", "train"}, {"namespace", "team-a"}}},
            {"spec", isTemplate ? nlohmann::json{{"spec", spec}} : spec}};
  }

  std::string build() const {
    nlohmann::json request = {
        {"uid", "u-1"},
        {"namespace", "team-a"},
        {"name", "train"},
        {"operation", oldObject_ ? "UPDATE" : "CREATE"},
        {"resource", {{"group", "resource.k8s.io"}, {"version", version_}, {"resource", resource_}}},
        {"object", objectJson()},
        {"oldObject", oldObject_.value_or(nullptr)},
    };
    return nlohmann::json{{"kind", "AdmissionReview"}, {"apiVersion", "admission.k8s.io/v1"}, {"request", request}}
        .dump();
  }

 private:
  std::string version_ = "v1";
  std::string resource_ = "resourceclaims";
  nlohmann::json configs_ = nlohmann::json::array();
  std::optional<nlohmann::json> object_;
  std::optional<nlohmann::json> oldObject_;
};

/// `GpuConfig` parameters with this `sharing`.
inline nlohmann::json gpuConfig(nlohmann::json sharing = nullptr) {
  nlohmann::json config = {{"apiVersion", "gpu.resource.example.com/v1alpha1"}, {"kind", "GpuConfig"}};
  if (!sharing.is_null()) {
    config["sharing"] = std::move(sharing);
  }
  return config;
}

inline nlohmann::json timeSlicing(nlohmann::json interval) {
  return gpuConfig({{"strategy", "TimeSlicing"}, {"timeSlicingConfig", {{"interval", std::move(interval)}}}});
}

inline nlohmann::json spacePartitioning(nlohmann::json count) {
  return gpuConfig({{"strategy", "SpacePartitioning"}, {"spacePartitioningConfig", {{"partitionCount", count}}}});
}

/// The answer that lets the object of a `ReviewBuilder` in, byte for byte that of the reference driver.
inline constexpr const char* kAllowed =
    R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true}})";

/// A webhook for the profile `gpu`, asked as the API server asks.
class WebhookTest : public testing::Test {
 protected:
  http::Response post(std::string body,
                      std::map<std::string, std::string> headers = {{"content-type", "application/json"}}) const {
    return handler({.method = "POST",
                    .path = std::string(kReviewPath),
                    .query = "timeout=10s",
                    .headers = std::move(headers),
                    .body = std::move(body)});
  }

  /// The body of the answer to a review that can be read.
  std::string verdict(const std::string& body) const {
    http::Response response = post(body);
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(response.contentType, "application/json");
    return response.body;
  }
  std::string verdict(const ReviewBuilder& review) const { return verdict(review.build()); }

  /// Why an object is denied; empty if it is let in.
  std::string denial(const std::string& body) const {
    auto status = nlohmann::json::parse(verdict(body))["response"];
    return status["allowed"] == true ? "" : status["status"]["message"].get<std::string>();
  }
  std::string denial(const ReviewBuilder& review) const { return denial(review.build()); }

  /// Why a claim with these parameters is denied, without count and path.
  std::string problem(nlohmann::json parameters) const {
    std::string message = denial(ReviewBuilder().config(std::move(parameters)));
    for (std::string_view start : {"1 configs failed to validate: ", "error decoding object at ", "object at ",
                                   "spec.devices.config[0].opaque.parameters", " is invalid: ", ": "}) {
      message.erase(0, message.starts_with(start) ? start.size() : 0);
    }
    return message;
  }

  fakes::FakeClock clock;
  fakes::MemoryLog log;
  http::Server::Handler handler =
      makeHandler(*device::Profile::embedded("gpu"), "gpu.example.com", base::Logger(log, clock, {}));
};

}  // namespace simgpu::webhook
