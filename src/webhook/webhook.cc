#include "simgpu/webhook/webhook.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "webhook/claim_configs.h"
#include "webhook/parameters_check.h"
#include "webhook/repeated_fields.h"
#include "webhook/review.h"

namespace simgpu::webhook {
namespace {

http::Response text(int status, std::string body) {
  return {.status = status,
          .contentType = "text/plain; charset=utf-8",
          .headers = {{"X-Content-Type-Options", "nosniff"}},
          .body = std::move(body),
          .stream = {}};
}

/// The spec cannot be changed. If it could not be created today, its object must still be able to lose its finalizers.
bool keepsSpec(const Review& review) {
  return review.object.is_object() && review.oldObject.is_object() && review.object.contains("spec") &&
         review.oldObject.contains("spec") && review.object["spec"] == review.oldObject["spec"];
}

class Webhook {
 public:
  Webhook(device::Profile profile, std::string driverName, base::Logger log)
      : profile_(std::move(profile)), driverName_(std::move(driverName)), log_(std::move(log)) {}

  http::Response answer(const http::Request& request) const {
    if (request.path == kReadyPath) {
      return text(200, "ok");
    }
    if (request.path != kReviewPath) {
      return text(404, "404 page not found\n");
    }
    auto contentType = request.headers.find("content-type");
    std::string_view type = contentType == request.headers.end() ? "" : std::string_view(contentType->second);
    if (type != "application/json") {
      return refuse(415, Status::invalidArgument("contentType={}, expected application/json", type));
    }
    auto review = parseReview(request.body);
    if (!review) {
      return refuse(400, review.error().with("failed to read AdmissionReview from request body"));
    }
    http::Response response;
    auto denial = judge(*review, request.body);
    response.body = denial ? deny(*review, *denial) : allow(*review);
    return response;
  }

 private:
  http::Response refuse(int code, const Status& why) const {
    log_.error(why, "Cannot review an object");
    return text(code, why.message() + "\n");
  }

  std::optional<Denial> judge(const Review& review, std::string_view body) const {
    auto claim = claimConfigs(review);
    std::optional<Denial> denial;
    if (!claim) {
      denial = {"BadRequest", claim.error().message()};
    } else if (!keepsSpec(review)) {
      denial = judgeConfigs(*claim, body);
    }
    if (denial) {
      log_.info("Denied an object", {{"resource", review.resource},
                                     {"namespace", review.space},
                                     {"name", review.name},
                                     {"uid", review.uid},
                                     {"reason", denial->message}});
    } else {
      log_.v(2).info("Allowed an object",
                     {{"resource", review.resource}, {"namespace", review.space}, {"name", review.name}});
    }
    return denial;
  }

  std::optional<Denial> judgeConfigs(const ClaimConfigs& claim, std::string_view body) const {
    std::vector<std::string> problems;
    auto repeated = repeatedFields(body, claim.specPath);
    for (const Config& config : claim.configs) {
      if (config.driver != driverName_) {
        continue;
      }
      std::string path = fmt::format("{}.devices.config[{}].opaque.parameters", claim.specPath, config.index);
      std::string problem = checkParameters(profile_, config.parameters, repeated[config.index], path);
      if (!problem.empty()) {
        problems.push_back(std::move(problem));
      }
    }
    if (problems.empty()) {
      return std::nullopt;
    }
    return Denial{"Invalid",
                  fmt::format("{} configs failed to validate: {}", problems.size(), fmt::join(problems, "; "))};
  }

  device::Profile profile_;
  std::string driverName_;
  base::Logger log_;
};

}  // namespace

http::Server::Handler makeHandler(device::Profile profile, std::string driverName, base::Logger log) {
  return [webhook = std::make_shared<const Webhook>(std::move(profile), std::move(driverName), std::move(log))](
             const http::Request& request) { return webhook->answer(request); };
}

}  // namespace simgpu::webhook
