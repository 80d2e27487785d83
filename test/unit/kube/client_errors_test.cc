#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.h"
#include "fakes/result_matchers.h"
#include "simgpu/base/utf8.h"
#include "simgpu/kube/client.h"
#include "unit/kube/fake_transport.h"

namespace simgpu::kube {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ClientErrorsTest : public testing::Test {
 protected:
  Result<ResourceClaim> getClaim(HttpResponse response) {
    transport.answers(std::move(response));
    return client.startGetClaim("a", "b", {}).get();
  }

  Result<ResourceSlice> createSlice(int status, std::string body) {
    transport.answers(status, std::move(body));
    return client.createSlice({}, clock.now());
  }

  static HttpResponse answer(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }

  FakeTransport transport;
  fakes::FakeClock clock;
  Client client{transport, clock, {.qps = 0, .burst = 0}, {}};
};

TEST_F(ClientErrorsTest, AForbiddenRequestNamesTheMissingRight) {
  EXPECT_THAT(
      getClaim(answer(403, R"({"kind":"Status","code":403,"reason":"Forbidden","message":"User \"x\" cannot get"})")),
      Fails(Code::permissionDenied,
            "read ResourceClaim a/b: the API server answered 403 Forbidden: User \"x\" cannot get (needs \"get\" on "
            "resourceclaims in the API group resource.k8s.io)"));
  transport.answers(403, "");
  EXPECT_THAT(
      client.getNode("n", base::Clock::TimePoint()),
      Fails(Code::permissionDenied, "read Node n: the API server answered 403 Forbidden (needs \"get\" on nodes)"));
}

TEST_F(ClientErrorsTest, AMissingClaimIsToldFromAMissingApi) {
  EXPECT_THAT(getClaim(answer(404, R"({"kind":"Status","code":404,"reason":"NotFound",
      "message":"resourceclaims.resource.k8s.io \"b\" not found",
      "details":{"name":"b","group":"resource.k8s.io","kind":"resourceclaims"}})")),
              Fails(Code::notFound, AllOf(HasSubstr("\"b\" not found"), Not(HasSubstr("1.34")))));
  EXPECT_THAT(getClaim(answer(404, R"({"kind":"Status","code":404,"reason":"NotFound","details":{},
      "message":"the server could not find the requested resource"})")),
              Fails(Code::unimplemented, HasSubstr("Kubernetes 1.34 or newer is needed")));
  EXPECT_THAT(getClaim(answer(404, "404 page not found\n")),
              Fails(Code::unimplemented, AllOf(HasSubstr(": 404 page not found ("), HasSubstr("1.34"))));
}

TEST_F(ClientErrorsTest, A404OfTheCoreApiIsNotFound) {
  transport.answers(404, R"({"kind":"Status","code":404,"details":{}})");
  EXPECT_THAT(client.getNode("n", base::Clock::TimePoint()), Fails(Code::notFound, HasSubstr("404 Not Found")));
}

TEST_F(ClientErrorsTest, TooManyRequestsIsUnavailableWithThePlainTextAndThePause) {
  auto response = answer(429, "Too many requests, please try again later.\n");
  response.retryAfter = std::chrono::seconds(5);
  auto claim = getClaim(std::move(response));
  EXPECT_THAT(claim, Fails(Code::unavailable,
                           "read ResourceClaim a/b: the API server answered 429 Too Many Requests: Too many requests, "
                           "please try again later."));
  EXPECT_EQ(claim.error().retryAfter(), std::chrono::seconds(5));
}

TEST_F(ClientErrorsTest, ThePauseMayBeInTheBody) {
  auto claim = getClaim(answer(504, R"({"kind":"Status","code":504,"reason":"Timeout",
      "details":{"retryAfterSeconds":1}})"));
  EXPECT_THAT(claim, Fails(Code::unavailable, HasSubstr("504 Gateway Timeout")));
  EXPECT_EQ(claim.error().retryAfter(), std::chrono::seconds(1));
}

TEST_F(ClientErrorsTest, StatusesBecomeCodes) {
  const std::string conflict = R"({"kind":"Status","code":409,"reason":"Conflict"})";
  const std::string exists = R"({"kind":"Status","code":409,"reason":"AlreadyExists"})";
  EXPECT_THAT(createSlice(400, ""), Fails(Code::invalidArgument, HasSubstr("400 Bad Request")));
  EXPECT_THAT(createSlice(401, ""), Fails(Code::unauthenticated, HasSubstr("401 Unauthorized")));
  EXPECT_THAT(createSlice(409, conflict), Fails(Code::conflict, HasSubstr("409 Conflict")));
  EXPECT_THAT(createSlice(409, exists), Fails(Code::alreadyExists, HasSubstr("409 Conflict")));
  EXPECT_THAT(createSlice(410, ""), Fails(Code::expired, HasSubstr("410 Gone")));
  EXPECT_THAT(createSlice(422, ""), Fails(Code::invalidArgument, HasSubstr("422 Unprocessable Entity")));
  EXPECT_THAT(createSlice(500, ""), Fails(Code::unavailable, HasSubstr("500 Internal Server Error")));
  EXPECT_THAT(createSlice(503, ""), Fails(Code::unavailable, HasSubstr("503 Service Unavailable")));
  EXPECT_THAT(createSlice(302, ""), Fails(Code::unavailable, HasSubstr("answered 302")));
}

TEST_F(ClientErrorsTest, ALongPageOfSomethingElseIsCutToOneLine) {
  auto created = createSlice(502, "<html>\n\n  bad\tgateway\x01" + std::string(5000, 'x'));
  EXPECT_THAT(created, Fails(Code::unavailable, HasSubstr("502 Bad Gateway: <html> bad gateway xxx")));
  EXPECT_LT(created.error().message().size(), 500u);
}

TEST_F(ClientErrorsTest, WhateverTheServerSaysTheMessageIsOneLineOfUtf8AndNotEndless) {
  const std::string endless(1 << 20, 'x');
  for (const HttpResponse& said : {
           answer(502, "caf\xe9\r\nW1127 00:00:00.000000 1 forged.cc:1]" + endless),
           answer(403, R"({"kind":"Status","code":403,"message":"no\nway\u0000\u001b[31m)" + endless + "\"}"),
           answer(200, "{\"kind\": \"\xe9" + endless),
           answer(200, "{\"kind\"\n" + endless),
       }) {
    auto claim = getClaim(said);
    ASSERT_FALSE(claim);
    const std::string& message = claim.error().message();
    EXPECT_TRUE(base::isUtf8(message));
    EXPECT_LT(message.size(), 5000u);
    EXPECT_TRUE(std::ranges::none_of(message, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) << message;
  }
}

TEST_F(ClientErrorsTest, JsonThatIsNotAStatusIsShownAsText) {
  EXPECT_THAT(createSlice(500, R"({"error":"x"})"), Fails(Code::unavailable, HasSubstr(R"(: {"error":"x"})")));
  EXPECT_THAT(createSlice(500, R"([])"), Fails(Code::unavailable, HasSubstr(": []")));
  EXPECT_THAT(createSlice(500, R"({"kind":"Status","code":"x"})"), Fails(Code::unavailable, HasSubstr("\"code\"")));
}

}  // namespace
}  // namespace simgpu::kube
