// What API servers send to the webhook: reviews, and in them whatever users write into claims.
#include <nlohmann/json.hpp>

#include "fuzz/fuzz.h"
#include "simgpu/kube/json.h"
#include "simgpu/webhook/webhook.h"

namespace {

using namespace simgpu;
using fuzz::check;

http::Response ask(std::string body) {
  static const http::Server::Handler handler =
      webhook::makeHandler(*device::Profile::embedded("gpu"), "gpu.example.com", base::Logger());
  return handler({.method = "POST",
                  .path = std::string(webhook::kReviewPath),
                  .query = "",
                  .headers = {{"content-type", "application/json"}},
                  .body = std::move(body)});
}

void checkVerdict(const std::string& body) {
  auto answer = kube::parseJson(body);
  check(answer.has_value(), "a verdict is JSON");
  const auto& response = (*answer)["response"];
  check(response["uid"].is_string(), "a verdict names its request");
  if (response["allowed"] == false) {
    const auto& status = response["status"];
    check(status["reason"] == "Invalid" || status["reason"] == "BadRequest", "a denial has a reason");
    check(!status["message"].get<std::string>().empty(), "a denial has a message");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string body(fuzz::textOf(data, size));
  http::Response response = ask(body);
  if (response.status != 200) {
    check(response.status == 400, "what is no review is a bad request");
    check(response.body.starts_with("failed to read AdmissionReview from request body: "),
          "a refusal says what failed");
    return 0;
  }
  checkVerdict(response.body);
  check(ask(body).body == response.body, "the same review has the same verdict");
  return 0;
}
