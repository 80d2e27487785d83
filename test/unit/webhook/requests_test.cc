// What the webhook says to requests, whatever is in the object.

#include "unit/webhook/webhook_fixture.h"

namespace simgpu::webhook {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST_F(WebhookTest, AnotherContentTypeIsUnsupported) {
  std::string review = ReviewBuilder().build();
  for (const char* type : {"text/plain", "application/json; charset=utf-8", "application/yaml"}) {
    http::Response response = post(review, {{"content-type", type}});
    EXPECT_EQ(response.status, 415);
    EXPECT_EQ(response.contentType, "text/plain; charset=utf-8");
    EXPECT_EQ(response.body, fmt::format("contentType={}, expected application/json\n", type));
  }
  EXPECT_EQ(post(review, {}).body, "contentType=, expected application/json\n");
}

struct Unreadable {
  const char* what;
  const char* body;
  const char* message;  ///< After `failed to read AdmissionReview from request body: `.
};

/// In the words of the reference driver, where it has any.
constexpr Unreadable kUnreadable[] = {
    {"nothing", "", "request could not be decoded: Object 'Kind' is missing in ''"},
    {"null", "null", "request could not be decoded: Object 'Kind' is missing in 'null'"},
    {"no type", "{}", "request could not be decoded: Object 'Kind' is missing in '{}'"},
    {"no kind", R"({"apiVersion":"admission.k8s.io/v1"})",
     R"(request could not be decoded: Object 'Kind' is missing in '{"apiVersion":"admission.k8s.io/v1"}')"},
    {"no version", R"({"kind":"AdmissionReview"})",
     R"(request could not be decoded: Object 'apiVersion' is missing in '{"kind":"AdmissionReview"}')"},
    {"a list", "[]",
     "request could not be decoded: couldn't get version/kind; json parse error: json: cannot unmarshal array into Go "
     "value of type struct"},
    {"a number as kind", R"({"kind":1,"apiVersion":"admission.k8s.io/v1"})",
     "request could not be decoded: couldn't get version/kind; json parse error: json: cannot unmarshal number into Go "
     "struct field .kind of type string"},
    {"an older version", R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{}})",
     R"(request could not be decoded: no kind "AdmissionReview" is registered for version "admission.k8s.io/v1beta1" in scheme "pkg/runtime/scheme.go:111")"},
    {"a later version", R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2","request":{}})",
     R"(request could not be decoded: no kind "AdmissionReview" is registered for version "admission.k8s.io/v2" in scheme "pkg/runtime/scheme.go:111")"},
    {"a text as request", R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":"x"})",
     "request could not be decoded: json: cannot unmarshal string into Go struct field AdmissionReview.request of type "
     "v1.AdmissionRequest"},
    {"a number as uid", R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":1}})",
     "request could not be decoded: json: cannot unmarshal number into Go struct field AdmissionRequest.request.uid of "
     "type types.UID"},
    {"a text as resource",
     R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"resource":"pods"}})",
     "request could not be decoded: json: cannot unmarshal string into Go struct field "
     "AdmissionRequest.request.resource of type v1.GroupVersionResource"},
    // The reference driver crashes.
    {"no request", R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"})", "it has no request"},
};

TEST_F(WebhookTest, WhatIsNoReviewIsABadRequest) {
  for (const Unreadable& sample : kUnreadable) {
    http::Response response = post(sample.body);
    EXPECT_EQ(response.status, 400) << sample.what;
    EXPECT_EQ(response.contentType, "text/plain; charset=utf-8");
    EXPECT_EQ(response.body, fmt::format("failed to read AdmissionReview from request body: {}\n", sample.message));
  }
}

TEST_F(WebhookTest, WhatIsNoJsonIsABadRequestAndSaysWhere) {
  for (const std::string& body : {std::string("hello"), std::string(R"({"kind":"AdmissionReview",)"),
                                  std::string("\xff\xfe{}"), std::string(100'000, '[')}) {
    http::Response response = post(body);
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.body,
                AllOf(StartsWith("failed to read AdmissionReview from request body: request could not be decoded: "
                                 "couldn't get version/kind; json parse error: not "),
                      EndsWith("\n"), SizeIs(testing::Lt(600))));
  }
  EXPECT_EQ(log.count("Cannot review an object"), 4);
}

TEST_F(WebhookTest, ReadinessIsOkByAnyMethod) {
  for (const char* method : {"GET", "HEAD", "POST"}) {
    http::Response response = handler({.method = method, .path = "/readyz"});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "ok");
    EXPECT_EQ(response.contentType, "text/plain; charset=utf-8");
  }
}

TEST_F(WebhookTest, OtherPathsAreNotFound) {
  for (const char* path : {"/", "/readyz/", "/metrics", "/validate-resource-claim-parameters/"}) {
    http::Response response = handler({.method = "POST", .path = path});
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.body, "404 page not found\n");
  }
}

TEST_F(WebhookTest, TheAnswersAreTheReferencesByteForByte) {
  EXPECT_EQ(verdict(ReviewBuilder().config(timeSlicing("Default"))), kAllowed);
  EXPECT_EQ(
      verdict(ReviewBuilder().config(timeSlicing("InvalidInterval"))),
      R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":false,"status":{"metadata":{},"message":"1 configs failed to validate: object at spec.devices.config[0].opaque.parameters is invalid: unknown time-slice interval: InvalidInterval","reason":"Invalid"}}})");
}

TEST_F(WebhookTest, ADenialIsLoggedWithItsObject) {
  verdict(ReviewBuilder().config(timeSlicing("Never")));

  ASSERT_EQ(log.count("Denied an object"), 1);
  EXPECT_THAT(log.lines().back(), AllOf(HasSubstr("namespace=\"team-a\""), HasSubstr("name=\"train\""),
                                        HasSubstr("unknown time-slice interval: Never")));
}

}  // namespace
}  // namespace simgpu::webhook
